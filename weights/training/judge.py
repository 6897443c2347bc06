"""Scores a painted picture by a network's losses, puts pictures side by side, samples features."""

import json
import pathlib

import torch
import torch.nn.functional as F
from network import CONTENT, STYLE, features, gram, open_picture, read
from PIL import Image
from safetensors.torch import load_file
from shorten import LACKING, shortened


@torch.no_grad()
def judge(args):
    """Content loss and the style loss of each layer, relative to the targets' energy; lower is better.

    Beside them the fine part of the colours: the rms of what a blur of 1.5 px takes from the two
    chroma planes, in hundredths of full scale."""
    weights = read(args.by)
    painted = open_picture(args.painted)
    content = features(open_picture(args.content, shape=painted.shape[2:]), weights)[CONTENT]
    style = features(open_picture(args.style, max(painted.shape)), weights)
    found = features(painted, weights)
    away = lambda a, b: ((a - b).square().sum() / b.square().sum()).item()
    layers = [away(gram(found[name]), gram(style[name])) for name in STYLE]
    print(json.dumps({
        "content": round(away(found[CONTENT], content), 3),
        "style": round(sum(layers) / len(layers), 4),
        "layers": [round(loss, 4) for loss in layers],
        "chroma": round(100 * fine_chroma(painted), 2),
    }))


def fine_chroma(x):
    to_chroma = torch.tensor([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]).view(2, 3, 1, 1)
    chroma = F.conv2d(x, to_chroma)
    bell = torch.exp(-torch.arange(-5.0, 6.0).square() / (2 * 1.5**2))
    bell = (bell / bell.sum()).view(1, 1, 1, -1).expand(2, 1, 1, 11)
    smooth = F.conv2d(F.pad(chroma, (5, 5, 5, 5), mode="reflect"), bell, groups=2)
    smooth = F.conv2d(smooth, bell.transpose(2, 3), groups=2)
    return (chroma - smooth).square().mean().sqrt().item()


@torch.no_grad()
def reference(args):
    """Some features of a network, for tests/builtin.rs: 128 evenly spaced values of each layer, of a
    64 x 64 picture whose levels (0 to 255) are 4x, 3y + x and xy, each modulo 256."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    picture = torch.stack([4 * x % 256, (3 * y + x) % 256, x * y % 256])[None] / 255
    found = features(picture, shortened(load_file(args.src)) if args.vgg16 else read(args.src))
    absent = {name for _, name, _ in LACKING} if args.vgg16 else set()
    sampled = {name: f.flatten() for name, f in found.items() if name not in absent}
    sampled = {name: f[:: len(f) // 128][:128].tolist() for name, f in sampled.items()}
    rounded = {name: [float(f"{v:.6g}") for v in values] for name, values in sampled.items()}
    pathlib.Path(args.out).write_text(json.dumps(rounded) + "\n")


def sheet(args):
    """Pictures in rows of `columns`, all scaled to the same height."""
    pictures = [Image.open(path).convert("RGB") for path in args.pictures]
    scaled = [p.resize((round(p.width * args.height / p.height), args.height), Image.LANCZOS) for p in pictures]
    rows = [scaled[i : i + args.columns] for i in range(0, len(scaled), args.columns)]
    width = max(sum(p.width + 4 for p in row) for row in rows) - 4
    page = Image.new("RGB", (width, (args.height + 4) * len(rows) - 4), "white")
    for n, row in enumerate(rows):
        left = 0
        for picture in row:
            page.paste(picture, (left, n * (args.height + 4)))
            left += picture.width + 4
    page.save(args.out, quality=80)
