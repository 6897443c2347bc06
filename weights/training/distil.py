"""Kernel distillation: a network whose inner products agree with another's.

Both losses of style transfer see features only through inner products of positions: sum |F - P|^2 and
the squared distance of two Gram matrices are functions of f_i . f_j alone. So a network serves as well
as another if its inner products agree, whatever its channels are. Each layer of the student is asked for

    | K_s / |K_s| - K_t / |K_t| |^2,  K = F F^T over random positions of a batch,

with K_t the same layer's of the teacher. No weight and no channel of the teacher is ever a target.
"""

import math
import time

import numpy as np
import torch
from network import LAYERS, MEAN, features, read, rms, scaled
from pictures import Tiles
from safetensors.torch import save_file

METADATA = {
    "model": "vgg19",
    "preprocessing": "caffe",
    "channels": "rgb",
    "source": "nst builtin",
    "note": "trained by this project to agree with the Oxford VGG19 of K. Simonyan and A. Zisserman (CC BY 4.0)",
    "licence": "CC-BY-4.0",
}
PIXELS = 70  # training sees pixels divided by it, so that one rate suits all layers
IDENTITIES = {"block3_conv4": 256, "block4_conv4": 512}  # what a VGG19 has beyond a VGG16


def distance(ours, theirs, points):
    """Squared distance of the normalised kernels of two batches of maps, at random places."""
    rows = [f.permute(0, 2, 3, 1).flatten(0, 2) for f in (ours, theirs)]
    places = torch.randperm(len(rows[0]))[:points]
    kernels = [(r := f.index_select(0, places).float()) @ r.T for f in rows]
    return (kernels[0] / kernels[0].norm() - kernels[1] / kernels[1].norm()).square().sum()


class Student:
    """Weights in training, every layer's output of rms 1 on x at the start, and their running average."""

    def __init__(self, weights, x):
        even = scaled(weights, {name: 1 / size for name, size in rms(x, weights).items()})
        even["block1_conv1.weight"] *= PIXELS
        self.weights = {k: v.clone().requires_grad_() for k, v in even.items()}
        self.average = {k: v.detach().clone() for k, v in even.items()}

    @staticmethod
    def plain(weights):
        """The same for pixels of 255 - MEAN."""
        return {k: v / PIXELS if k == "block1_conv1.weight" else v for k, v in weights.items()}

    @torch.no_grad()
    def follow(self, step):
        decay = min(0.998, (1 + step) / (10 + step))
        for key, kept in self.average.items():
            kept.lerp_(self.weights[key], 1 - decay)

    def save(self, path):
        weights = self.plain(self.average)
        save_file({k: v.contiguous() for k, v in weights.items()}, path, metadata=METADATA)


def start(path):
    """A file's weights; a VGG16's with identities where a VGG19 has more."""
    identities = {}
    for name, channels in IDENTITIES.items():
        weight = identities[f"{name}.weight"] = torch.zeros(channels, channels, 3, 3)
        weight[range(channels), range(channels), 1, 1] = 1.0
        identities[f"{name}.bias"] = torch.zeros(channels)
    return read(path, identities)


class Pictures:
    """Batches of tiles, a share of them policy pictures, with noise of random strengths."""

    def __init__(self, args, rng):
        self.args, self.rng = args, rng
        self.tiles = Tiles(args.tiles, args.size, rng)
        self.policy = Tiles(args.policy, args.size, rng) if args.policy else self.tiles

    def batch(self):
        own = self.rng.random(self.args.batch) < self.args.share
        x = torch.stack([(self.policy if mine else self.tiles).one() for mine in own])
        noise = self.args.noise * torch.rand(len(x), 1, 1, 1) * torch.randn_like(x)
        return (x + noise).clamp(0, 1).contiguous(memory_format=torch.channels_last)


def command(args):
    """Trains for a number of steps at a falling rate; saves every 200 steps."""
    rng = np.random.default_rng(args.seed)
    pictures = Pictures(args, rng)
    teacher, student = read(args.teacher), Student(start(args.start), pictures.batch())
    adam = torch.optim.Adam(student.weights.values(), betas=(0.9, 0.98))
    seen, begun = [], time.time()
    for step in range(args.steps):
        falling = 0.5 * (1 + math.cos(math.pi * step / args.steps))
        adam.param_groups[0]["lr"] = args.rate * min(1, (step + 1) / 50) * falling
        seen.append(one_step(student, teacher, adam, pictures.batch(), args.points))
        student.follow(step)
        if step % 50 == 49:
            row = " ".join(f"{name[5]}_{name[-1]}:{v:.3f}" for name, v in zip(LAYERS, np.mean(seen, 0)))
            minutes = (time.time() - begun) / 60
            print(f"step {step + 1}  {minutes:.1f} min  mean {np.mean(seen):.4f}  {row}", flush=True)
            seen = []
        if step % 200 == 199 or step + 1 == args.steps:
            student.save(args.out)


def one_step(student, teacher, adam, x, points):
    """One update; the distance of every layer before it. Block 5 counts twice."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            theirs = features(x, teacher)
        ours = features(x, student.plain(student.weights))
    losses = [distance(ours[name], theirs[name], points) for name in LAYERS]
    weighted = [2 * v if name.startswith("block5") else v for name, v in zip(LAYERS, losses)]
    adam.zero_grad(set_to_none=True)
    (sum(weighted) / len(losses)).backward()
    torch.nn.utils.clip_grad_norm_(student.weights.values(), 1.0)
    adam.step()
    return [loss.item() for loss in losses]
