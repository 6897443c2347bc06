#!/usr/bin/env python3
"""Makes and measures the built-in network. Needs torch, numpy, pillow and safetensors.

README.md beside this script has the commands of the shipped file.
"""

import argparse

import distil
import judge
import pictures
import quantise
import refit
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
    tiles = {"per_picture": 2, "side": 256}
    sub = command(commands, "pack", pictures.command, "tiles of pictures into one array", "out", **tiles)
    sub.add_argument("pictures", nargs="+")
    sub.add_argument("--as-painted", action="store_true", help="at the pictures' own scale")
    names = ("start", "teacher", "tiles", "out")
    numbers = {"steps": 2600, "rate": 3e-4, "size": 128, "batch": 8, "points": 1536, "share": 0.25, "noise": 0.03}
    sub = command(commands, "train", distil.command, "kernel distillation", *names, **numbers)
    sub.add_argument("--policy", help="tiles of pictures painted with the student")
    numbers = {"count": 60, "side": 96, "begin": 12, "steps": 90, "points": 4096, "first": "block1", "last": "block9"}
    names = ("start", "teacher", "photos", "paintings", "out")
    sub = command(commands, "refit", refit.command, "one convolution at a time", *names, **numbers)
    sub.add_argument("--refitted", help="holds the layers before `--first`")
    about = "the stored file of a float network; --steps: of the codes, by block, in rms of a layer's weights"
    codes = {"count": 32, "steps": '{"2": 0.03, "3": 0.06, "4": 0.15, "5": 0.14}'}
    sub = command(commands, "quantise", quantise.command, about, "src", "teacher", "tiles", "out", **codes)
    sub.add_argument("--plain", help="also the same without gzip")
    sub.add_argument("--float", help="also the scaled float network")
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
