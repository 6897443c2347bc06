#!/usr/bin/env python3
"""Makes and measures the built-in network. Needs torch, numpy, pillow and safetensors.

README.md beside this script has the commands of the shipped file.
"""

import argparse

import distil
import judge
import pack
import pictures
import quantise
import torch

ACTIONS = {}


def command(commands, name, action, about, *positional, **options):
    sub = commands.add_parser(name, help=about)
    for argument in positional:
        sub.add_argument(argument)
    for option, default in ({"seed": 0, "threads": 1} | options).items():
        sub.add_argument("--" + option.replace("_", "-"), type=type(default), default=default)
    ACTIONS[name] = action
    return sub


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    sub = command(commands, "pack", pack.command, "a folder to train on", "out")
    sub.add_argument("--photos", nargs="+", required=True, metavar="FOLDER:COUNT")
    sub.add_argument("--paintings", nargs="+", required=True)
    numbers = {
        "device": "cpu", "start": "../vgg19.safetensors.gz", "steps": 10**9, "seconds": 300.0, "bias_rate": 1e-3,
        "size": 224, "tile": pictures.SIDE, "triples": 12, "photos": 6, "paintings": 6,
        "painted": 256, "paint_count": 64, "paint_steps": 100, "frames": 6, "paint_every": 25.0, "ring": 3072,
        "first_paintings": 2, "judged": 256, "judged_steps": 120, "report_every": 10.0,
    }  # fmt: skip
    numbers |= {"arms": "muon:0.01 muon:0.02 muon:0.04", "arm_seconds": 10.0, "score_every": 45.0}
    numbers |= {"noise_from": 0.67, "short_seconds": 30.0}
    command(commands, "train", distil.command, "kernel distillation", "teacher", "data", "out", **numbers)
    about = "the stored file of a trained network; --steps: of the codes, by block, in rms of a layer's weights"
    codes = {"count": 32, "steps": '{"2": 0.04, "3": 0.08, "4": 0.2, "5": 0.2}'}
    sub = command(commands, "quantise", quantise.command, about, "trained", "teacher", "data", "out", **codes)
    sub.add_argument("--plain", help="also the same without gzip")
    sub.add_argument("--float", help="also the scaled float network")
    sub.add_argument("--vgg16", help="also the VGG16 in it, with identities")
    sub = command(commands, "reference", judge.reference, "sampled features, for tests/builtin.rs", "src", "out")
    sub.add_argument("--vgg16", action="store_true", help="of the VGG16 in a stored file")
    command(commands, "judge", judge.judge, "losses of a picture", "by", "content", "style", "painted")
    sub = command(commands, "sheet", judge.sheet, "pictures side by side", "out", height=256, columns=3)
    sub.add_argument("pictures", nargs="+")
    return top


def main():
    args = parser().parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    ACTIONS[args.command](args)


if __name__ == "__main__":
    main()
