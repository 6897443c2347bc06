"""Scores a network by a picture made with it; compares and describes features."""

import json
import pathlib

import torch
import torch.nn.functional as F
from network import CONTENT, STYLE, features, gram, layers, open_picture, read
from PIL import Image

POOLS = {"max": F.max_pool2d, "avg": F.avg_pool2d}


class Target:
    """What a transfer aims at, and the balanced losses against it."""

    def __init__(self, content, style, model, weights, halve=F.max_pool2d):
        self.see = lambda x: features(x, weights, model, halve)
        with torch.no_grad():
            self.content = self.see(content)[CONTENT]
            style_features = self.see(style)
            self.grams = {layer: gram(style_features[layer]) for layer in STYLE}

    def losses(self, x):
        """Content loss, and the style loss of each layer, relative to the target's energy."""
        found = self.see(x)
        content = (found[CONTENT] - self.content).square().sum() / self.content.square().sum()
        style = []
        for layer, aim in self.grams.items():
            style.append((gram(found[layer]) - aim).square().sum() / aim.square().sum())
        return content, style


def save_picture(x, path):
    pixels = (x.detach()[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path)


def transfer(content, target, steps, beta):
    """Adam on the pixels, from the content picture, rate 0.02, alpha 1."""
    x = content.clone().requires_grad_(True)
    adam = torch.optim.Adam([x], lr=0.02, betas=(0.9, 0.99))
    for _ in range(steps):
        adam.zero_grad()
        content_loss, style_losses = target.losses(x)
        (content_loss + beta * sum(style_losses) / len(style_losses)).backward()
        adam.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach()


def judge(args):
    """A transfer with one network, measured by the losses of another (lower is better)."""
    model, weights = read(args.net)
    judge_model, judge_weights = read(args.by)
    content, style = (open_picture(p, args.size) for p in (args.content, args.style))
    target = Target(content, style, model, weights, POOLS[args.pool])
    x = transfer(content, target, args.steps, args.beta)
    save_picture(x, args.out)
    with torch.no_grad():
        by = Target(content, style, judge_model, judge_weights)
        content_loss, style_losses = by.losses(x)
    found = [round(loss.item(), 4) for loss in style_losses]
    mean = sum(style_losses).item() / len(style_losses)
    print(json.dumps({"content": round(content_loss.item(), 4), "style": round(mean, 4), "layers": found}))


def compare(args):
    """Relative L2 distance of the features of two files, layer by layer, per picture."""
    (model, one), (other_model, other) = read(args.one), read(args.other)
    shared = [name for name, _, _ in layers(model) if f"{name}.weight" in other]
    for path in args.pictures:
        x = open_picture(path, args.size)
        with torch.no_grad():
            f, g = features(x, one, model), features(x, other, other_model)
        off = {n: ((f[n] - g[n]).norm() / f[n].norm()).item() for n in shared}
        worst = max(off, key=off.get)
        rounded = {name: round(value, 5) for name, value in off.items()}
        print(json.dumps({"picture": path, "worst": worst, "relative_l2": rounded}))


def reference(src, dst):
    """Some features of a network, for tests/builtin.rs: 128 evenly spaced values of each layer,
    of a 64 x 64 picture whose levels (0 to 255) are 4x, 3y + x and xy, each modulo 256."""
    model, weights = read(src)
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    picture = torch.stack([4 * x % 256, (3 * y + x) % 256, x * y % 256])[None] / 255
    with torch.no_grad():
        found = {name: f.flatten() for name, f in features(picture, weights, model).items()}
    sampled = {name: f[:: len(f) // 128][:128].tolist() for name, f in found.items()}
    rounded = {name: [float(f"{v:.6g}") for v in values] for name, values in sampled.items()}
    pathlib.Path(dst).write_text(json.dumps(rounded) + "\n")


def statistics(args):
    """Of each style layer and CONTENT, means over pictures: share of values above zero, share of
    the channels' means in the energy, effective rank of the Gram matrix."""
    model, weights = read(args.net)
    with torch.no_grad():
        found = [features(open_picture(p, args.size), weights, model) for p in args.pictures]
    for layer in (*STYLE, CONTENT):
        maps = [f[layer][0].flatten(1) for f in found]
        grams = [gram(f[layer]) for f in found]
        rows = {
            "above_zero": [(m > 0).float().mean() for m in maps],
            "mean_share": [m.mean(1).square().sum() / m.square().mean(1).sum() for m in maps],
            "rank": [g.trace() ** 2 / g.square().sum() for g in grams],
        }
        means = {name: round(torch.stack(values).mean().item(), 2) for name, values in rows.items()}
        print(json.dumps({"layer": layer, **means}))


def sheet(args):
    """Pictures side by side, all scaled to the same height."""
    pictures = [Image.open(path).convert("RGB") for path in args.pictures]
    scaled = [
        p.resize((round(p.width * args.height / p.height), args.height), Image.LANCZOS) for p in pictures
    ]
    page = Image.new("RGB", (sum(p.width for p in scaled) + 4 * (len(scaled) - 1), args.height), "white")
    left = 0
    for picture in scaled:
        page.paste(picture, (left, 0))
        left += picture.width + 4
    page.save(args.out)
