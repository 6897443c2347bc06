"""Whole-number weights whose rounding errors cancel in a layer's output, and the stored file.

A layer's weights are rounded one input at a time; the error of each is handed on to the inputs not yet
rounded, through the inverse of the inputs' covariance, so that the sum that the layer computes changes
least (Frantar et al. 2022, GPTQ, arXiv:2210.17323). One step serves a whole layer, since inner products
weigh all its channels alike. The codes are few and uneven, so gzip's Huffman codes make them small.
"""

import json
import pathlib
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from distil import METADATA
from network import LAST, LAYERS, MEAN, convolve, dequantised, features, patches, read, rms, scaled
from safetensors.torch import save

WHOLE = ("block1_conv1", "block1_conv2")  # F16: few, and the most sensitive
LACKING = (("block3_conv3", "block3_conv4", "block4_conv1"), ("block4_conv3", "block4_conv4", "block5_conv1"))
DAMPING = 0.01  # of the mean of the covariance's diagonal


def round_layer(weight, covariance, step):
    """Whole-number codes of weight / step, errors handed on from input to input."""
    rest = weight.flatten(1).double() / step
    count = rest.shape[1]
    damped = covariance + DAMPING * covariance.diagonal().mean() * torch.eye(count, dtype=torch.double)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    hand_on = torch.linalg.cholesky(inverse, upper=True).float()
    rest, codes = rest.float(), torch.zeros(rest.shape)
    for start in range(0, count, 128):
        end = min(start + 128, count)
        errors = torch.zeros(len(rest), end - start)
        for i in range(start, end):
            codes[:, i] = rest[:, i].round().clamp(-127, 127)
            errors[:, i - start] = (rest[:, i] - codes[:, i]) / hand_on[i, i]
            rest[:, i:end] -= errors[:, i - start, None] * hand_on[i, i:end]
        rest[:, end:] -= errors @ hand_on[start:end, end:]
    return codes.reshape(weight.shape)


@torch.no_grad()
def quantise(weights, x, steps, rng):
    """Codes, scales and biases of every layer. `steps`: a layer's step, as a share of its weights' rms."""
    x, stored = 255 * x - MEAN, {}
    for name in LAYERS:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        if name in WHOLE:
            stored[f"{name}.weight"] = weight.half()
            used = weight.half().float()
        else:
            rows = patches(x, 24000, rng)
            mean = rows.mean(0)
            covariance = ((rows - mean).T @ (rows - mean)).double() / len(rows)
            step = torch.maximum(steps[name[5]] * weight.square().mean().sqrt(), weight.abs().max() / 127)
            codes = round_layer(weight, covariance, step)
            used = codes * step
            bias = bias + (weight - used).flatten(1) @ mean
            stored[f"{name}.weight"] = codes.to(torch.int8)
            stored[f"{name}.scale"] = step.expand(len(codes)).contiguous()
            print(name, f"{entropy(codes):.2f} bits, largest code {codes.abs().max():.0f}", flush=True)
        stored[f"{name}.bias"] = bias.contiguous()
        x = convolve(x, {f"{name}.weight": used, f"{name}.bias": bias}, name)
        x = F.max_pool2d(x, 2) if name in LAST else x
    return stored


@torch.no_grad()
def gains(weights, x):
    """What makes a VGG16 of the VGG19: for each of the two layers that a VGG16 lacks, the factor of each
    channel that comes nearest to the layer's work, taken in by the layer after it."""
    found, out = features(x, weights), {}
    for before, absent, after in LACKING:
        given, wanted = found[before], found[absent]
        energy = given.square().sum((0, 2, 3))
        gain = (given * wanted).sum((0, 2, 3)) / energy.clamp_min(1e-9)
        out[f"vgg16.{after}.gain"] = torch.where(energy > 0, gain, 1.0).contiguous()
        left = wanted - given * gain.view(1, -1, 1, 1)
        print(f"without {absent}: off by {left.norm() / wanted.norm():.3f}", flush=True)
    return out


def shortened(stored):
    """The VGG16 of a stored file, with identities for the layers it lacks."""
    weights = dequantised(stored)
    for _, absent, after in LACKING:
        weights[f"{after}.weight"] *= stored[f"vgg16.{after}.gain"].view(1, -1, 1, 1)
        weights[f"{absent}.weight"] = torch.zeros_like(weights[f"{absent}.weight"])
        weights[f"{absent}.weight"][:, :, 1, 1] = torch.eye(len(weights[f"{absent}.bias"]))
        weights[f"{absent}.bias"] = torch.zeros_like(weights[f"{absent}.bias"])
    return weights


def entropy(codes):
    share = torch.unique(codes, return_counts=True)[1] / codes.numel()
    return -(share * share.log2()).sum().item()


def packed(stored):
    """A safetensors file, gzipped by Huffman codes alone; the same bytes every time."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(save(stored, METADATA)) + coder.flush()


def command(args):
    """Scales a float file's layers to the teacher's rms and quantises it, fitted to tiles of pictures."""
    rng = np.random.default_rng(args.seed)
    tiles = np.load(args.tiles, mmap_mode="r")
    chosen = tiles[np.sort(rng.choice(len(tiles), args.count, replace=False))]
    x = torch.from_numpy(chosen).permute(0, 3, 1, 2).float() / 255
    weights = read(args.src)
    ours, theirs = rms(x[:8], weights), rms(x[:8], read(args.teacher))
    weights = scaled(weights, {name: theirs[name] / ours[name] for name in LAYERS})
    stored = quantise(weights, x, json.loads(args.steps), rng)
    stored |= gains(dequantised(stored), x[:12])
    pathlib.Path(args.out).write_bytes(packed(stored))
    for path, tensors in ((args.float, weights), (args.plain, stored)):
        if path:
            pathlib.Path(path).write_bytes(save(tensors, METADATA))
