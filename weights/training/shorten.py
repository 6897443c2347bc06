"""What makes a VGG16 of a trained VGG19."""

import math
import time

import torch
from agreement import Agreement
from balance import Balance
from network import LAST, LAYERS, dequantised, half_features
from optimise import Optimiser
from student import IDENTITIES, last

LACKING = (("block3_conv3", "block3_conv4", "block4_conv1"), ("block4_conv3", "block4_conv4", "block5_conv1"))
RATE = 0.02  # of a matrix's size
STEP = 0.06  # of a matrix's codes, in rms of its entries


class Shortened:
    """The VGG16 in a VGG19: its `block4_conv1` and `block5_conv1` are those of the VGG19 times a matrix over their
    inputs, which stands in for the layer that a VGG16 lacks, with biases of their own."""

    NAMES = [name for name in LAYERS if name not in IDENTITIES]
    POOLS = (LAST - set(IDENTITIES)) | {"block3_conv3", "block4_conv3"}
    AFTER = ("block4_conv1", "block5_conv1")

    def __init__(self, weights):
        self.fixed = {k: v.detach() for k, v in weights.items()}
        self.params = {}
        for name in self.AFTER:
            weight = self.fixed[f"{name}.weight"]
            self.params[f"{name}.mix"] = torch.eye(weight.shape[1], device=weight.device).requires_grad_()
            self.params[f"{name}.bias"] = self.fixed[f"{name}.bias"].clone().requires_grad_()

    def used(self):
        used = dict(self.fixed)
        for name in self.AFTER:
            weight, mix = self.fixed[f"{name}.weight"], self.params[f"{name}.mix"]
            used[f"{name}.weight"] = last(torch.einsum("oiyx,ij->ojyx", weight, mix))
            used[f"{name}.bias"] = self.params[f"{name}.bias"]
        return used


def shorten(room, student, seconds):
    """Trains what makes a VGG16 of the student; everything else stays."""
    args, short = room.args, Shortened(student.average)
    names = [name for name in short.NAMES if name >= "block4"]
    agreement, balance = Agreement(args.triples, args.size // 16), Balance(names, room.device)
    optimiser = Optimiser(short.params, "muon")
    begun, step = time.time(), 0
    which = {"layers": short.NAMES, "pools": short.POOLS}
    while (spent := time.time() - begun) < seconds and step < args.steps:
        falling = 0.5 * (1 + math.cos(math.pi * spent / seconds))
        x = room.batch()
        with torch.no_grad():
            theirs = half_features(x, room.teacher)
        ours = half_features(x, short.used(), **which)
        balance.loss(agreement.terms(ours, theirs, names)).backward()
        optimiser.step(RATE * falling, args.bias_rate * falling)
        step += 1
        if step % 10 == 0:
            room.settle()
    room.say(f"VGG16: {step} steps; {balance.report(names)}")
    return {k: v.detach() for k, v in short.used().items()}, short.params, which


@torch.no_grad()
def mixes(shortened, weights, stored, factors):
    """What makes a VGG16 of the stored VGG19 (Shortened), as codes and biases. `factors`: what each layer's
    output was scaled by after the VGG16 was trained; its biases take the same corrections as the VGG19's."""
    out = {}
    for before, absent, after in LACKING:
        mix = shortened[f"vgg16.{after}.mix"].float() * (factors[absent] / factors[before])
        step = torch.maximum(STEP * mix.square().mean().sqrt(), mix.abs().amax(1, keepdim=True) / 127)
        codes = (mix / step).round()
        out[f"vgg16.{after}.mix"] = codes.to(torch.int8)
        out[f"vgg16.{after}.scale"] = step.flatten().contiguous()
        corrected = stored[f"{after}.bias"] - weights[f"{after}.bias"]
        out[f"vgg16.{after}.bias"] = shortened[f"vgg16.{after}.bias"].float() * factors[after] + corrected
    return out


def shortened(stored):
    """The VGG16 of a stored file, with identities for the layers it lacks."""
    weights = dequantised(stored)
    for _, absent, after in LACKING:
        mix = stored[f"vgg16.{after}.mix"].float() * stored[f"vgg16.{after}.scale"][:, None]
        weights[f"{after}.weight"] = torch.einsum("oiyx,ij->ojyx", weights[f"{after}.weight"], mix).contiguous()
        weights[f"{after}.bias"] = stored[f"vgg16.{after}.bias"]
        weights[f"{absent}.weight"] = torch.zeros_like(weights[f"{absent}.weight"])
        weights[f"{absent}.weight"][:, :, 1, 1] = torch.eye(len(weights[f"{absent}.bias"]))
        weights[f"{absent}.bias"] = torch.zeros_like(weights[f"{absent}.bias"])
    return weights
