"""The network in training: its weights and their running average."""

import math

import torch
from network import LAYERS, METADATA, read, rms, scaled
from safetensors.torch import save_file

PARTS = {"blocks123": "123", "block4": "4", "block5": "5"}  # files of a trained network, and their blocks
IDENTITIES = ("block3_conv4", "block4_conv4")  # began as identities in earlier rounds
STEPS = {"1": 0.0, "2": 0.03, "3": 0.06, "4": 0.18, "5": 0.18}  # of the codes, in rms of a layer's weights


def fresh(device):
    """Random weights (He et al. 2015)."""
    widths, before, weights = (64, 128, 256, 512, 512), 3, {}
    for name in LAYERS:
        out = widths[int(name[5]) - 1]
        weights[f"{name}.weight"] = math.sqrt(2 / (9 * before)) * torch.randn(out, before, 3, 3, device=device)
        weights[f"{name}.bias"] = torch.zeros(out, device=device)
        before = out
    return weights


def start(source, device):
    """Weights of a file, or "fresh"; after "FILE+freed" the former identities are half noise."""
    if source == "fresh":
        return fresh(device)
    path, *freed = source.split("+")
    weights = {k: v.to(device) for k, v in read(path).items()}
    for name in IDENTITIES if freed else ():
        weight = weights[f"{name}.weight"]
        weights[f"{name}.weight"] = weight + torch.randn_like(weight) * weight.square().mean().sqrt()
    return weights


def last(tensor):
    """Channels last, where there are positions."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor.clone()


def halved(weights):
    return {k: last(v.detach().bfloat16()) for k, v in weights.items()}


class Student:
    """Weights in training, every layer's output of rms 1 on x at the start, and their running average."""

    def __init__(self, weights, x):
        even = scaled(weights, {name: 1 / size for name, size in rms(x, weights).items()})
        self.weights = {k: last(v).requires_grad_() for k, v in even.items()}
        self.average = {k: v.detach().clone() for k, v in self.weights.items()}

    def used(self, noise):
        """What a step sees: with `noise`, each weight within half a code's step of its own."""
        if not noise:
            return self.weights
        used = dict(self.weights)
        for name in LAYERS:
            weight = used[f"{name}.weight"]
            if step := STEPS[name[5]]:
                size = step * weight.detach().square().mean().sqrt()
                used[f"{name}.weight"] = weight + (torch.rand_like(weight) - 0.5) * size
        return used

    @torch.no_grad()
    def even(self, sizes):
        """Brings every layer's rms from `sizes` to 1. No term changes; but left alone, each layer's gain grows
        a little with each step until features overflow."""
        for kept in (self.weights, self.average):
            new = scaled(kept, {name: 1 / sizes[name] for name in LAYERS})
            torch._foreach_copy_([kept[k].detach() for k in kept], [new[k] for k in kept])

    @torch.no_grad()
    def follow(self, step):
        decay = min(0.997, (1 + step) / (10 + step))
        keys = list(self.average)
        torch._foreach_lerp_([self.average[k] for k in keys], [self.weights[k].detach() for k in keys], 1 - decay)


def save_parts(folder, weights):
    """F16 in files of a block or three each, none over 16 MiB."""
    for part, blocks in PARTS.items():
        tensors = {k: v.detach().half().contiguous().cpu() for k, v in weights.items() if k[5] in blocks}
        save_file(tensors, f"{folder}/{part}.safetensors", metadata=METADATA)
