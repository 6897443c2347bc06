#!/usr/bin/env python3
"""Makes and measures the built-in networks: VGG convolutions trained on Tiny ImageNet.

Needs torch, numpy, pillow and safetensors. The exact commands of the shipped files are in
README.md beside this script.
"""

import argparse

import edit
import torch

import judge
import train


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)

    def command(name, about, *positional, **options):
        sub = commands.add_parser(name, help=about)
        for argument in positional:
            sub.add_argument(argument)
        for option, default in options.items():
            sub.add_argument("--" + option.replace("_", "-"), type=type(default), default=default)
        return sub

    trained = "trained for this project on Tiny ImageNet"
    command("pack", "Tiny ImageNet's folder into four arrays", "root", "out")
    training = {"model": "vgg16", "steps": 20000, "cooldown": 4000, "batch": 128, "lr": 0.06}
    training |= {"size": 64, "smallest_crop": 0.3, "noise": 0.0, "average": 0.995, "head_steps": 0}
    training |= {"large": 96, "large_batch": 48, "large_steps": 0, "freeze": 0, "active": 0.0, "rank": 0.0}
    training |= {"seed": 1, "device": "cpu", "threads": 2, "log": 50}
    sub = command("train", "train, or continue from a file", "data", "checkpoint", **training)
    sub.add_argument("--start", help="weights to continue from; batch norm is put back")
    command("export", "checkpoint to weights, batch norm folded", "src", "dst", note=trained)
    about = "plain colour in block1_conv1, block1_conv2 refitted"
    command("palette", about, "src", "dst", "data", channels=12, gain=3.0, note=trained)
    about = "each channel times (rms / median)^-power, taken back in the next layer"
    sub = command("rescale", about, "src", "dst", "data", power=0.5, note=trained)
    sub.add_argument("--layers", nargs="+", required=True)
    command("deepen", "VGG16 to VGG19 of the same function", "src", "dst", note=trained)
    command("quantise", "8 bit, a scale per output channel", "src", "dst", note=trained)
    command("reference", "sampled features, for tests/builtin.rs", "src", "dst")
    command("random", "an untrained VGG16", "dst", seed=0)
    judged = {"size": 256, "steps": 120, "beta": 30.0, "threads": 2}
    about = "transfer with NET, measured by --by"
    sub = command("judge", about, "net", "content", "style", "out", **judged)
    sub.add_argument("--pool", choices=judge.POOLS, default="max", help="how NET halves its maps")
    sub.add_argument("--by", required=True, help="ImageNet's VGG19, in our names")
    sub = command("compare", "features of two files", "one", "other", size=256)
    sub.add_argument("pictures", nargs="+")
    sub = command("statistics", "how sparse and how rich a network's features are", "net", size=256)
    sub.add_argument("pictures", nargs="+")
    sub = command("sheet", "pictures side by side", "out", height=384)
    sub.add_argument("pictures", nargs="+")
    return top


def main():
    a = parser().parse_args()
    if "threads" in a:
        torch.set_num_threads(a.threads)
    actions = {
        "pack": lambda: train.pack(a.root, a.out),
        "train": lambda: train.Training(a).run(),
        "export": lambda: train.export(a.src, a.dst, a.note),
        "palette": lambda: edit.palette(a.src, a.dst, a.data, a.channels, a.gain, a.note),
        "rescale": lambda: edit.rescale(a.src, a.dst, a.data, a.layers, a.power, a.note),
        "deepen": lambda: edit.deepen(a.src, a.dst, a.note),
        "quantise": lambda: edit.quantise(a.src, a.dst, a.note),
        "reference": lambda: judge.reference(a.src, a.dst),
        "random": lambda: edit.random_file(a.dst, a.seed),
        "judge": lambda: judge.judge(a),
        "compare": lambda: judge.compare(a),
        "statistics": lambda: judge.statistics(a),
        "sheet": lambda: judge.sheet(a),
    }
    actions[a.command]()


if __name__ == "__main__":
    main()
