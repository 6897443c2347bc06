"""Whole-number weights whose rounding errors cancel in a layer's output, and the stored file.

A layer's weights are rounded one input at a time; the error of each is handed on to the inputs not yet
rounded, through the inverse of the inputs' covariance, so that the sum that the layer computes changes
least (Frantar et al. 2022, GPTQ, arXiv:2210.17323). One step serves a whole layer, since inner products
weigh all its channels alike, but for channels whose largest weight would leave 8 bits. The codes are few and uneven, so gzip's Huffman codes make them small.
"""

import json
import pathlib
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from network import LAST, LAYERS, MEAN, METADATA, convolve, patches, read, rms, scaled
from pictures import of_painting, of_photo, tiles
from safetensors.torch import load_file, save
from shorten import mixes, shortened
from student import PARTS

WHOLE = ("block1_conv1", "block1_conv2")  # F16: few, and the most sensitive
DAMPING = 0.01  # of the mean of the covariance's diagonal


def round_layer(weight, covariance, step):
    """Whole-number codes of weight / step, errors handed on from input to input."""
    rest = (weight / step).flatten(1).double()
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
            largest = weight.abs().amax((1, 2, 3), keepdim=True)
            step = torch.maximum(steps[name[5]] * weight.square().mean().sqrt(), largest / 127)
            codes = round_layer(weight, covariance, step)
            used = codes * step
            bias = bias + (weight - used).flatten(1) @ mean
            stored[f"{name}.weight"] = codes.to(torch.int8)
            stored[f"{name}.scale"] = step.flatten().contiguous()
            coarser = (step > step.min()).float().mean()
            print(name, f"{entropy(codes):.2f} bits, {coarser:.2f} of channels with a coarser step", flush=True)
        stored[f"{name}.bias"] = bias.contiguous()
        x = convolve(x, {f"{name}.weight": used, f"{name}.bias": bias}, name)
        x = F.max_pool2d(x, 2) if name in LAST else x
    return stored


def entropy(codes):
    share = torch.unique(codes, return_counts=True)[1] / codes.numel()
    return -(share * share.log2()).sum().item()


def packed(stored):
    """A safetensors file, gzipped by Huffman codes alone; the same bytes every time."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(save(stored, METADATA)) + coder.flush()


def command(args):
    """Joins the parts of a trained network, scales its layers to the teacher's rms and quantises it, fitted to tiles."""
    rng = np.random.default_rng(args.seed)
    sources = [tiles(f"{args.data}/{folder}", kind) for folder, kind in (("photos", of_photo), ("paintings", of_painting))]
    chosen = [source[np.sort(rng.choice(len(source), args.count // 2, replace=False))] for source in sources]
    x = torch.stack(chosen, 1).flatten(0, 1).float() / 255
    weights = {}
    for part in PARTS:
        weights |= load_file(f"{args.trained}/{part}.safetensors")
    weights = {k: v.float() for k, v in weights.items()}
    ours, theirs = rms(x[:8], weights), rms(x[:8], read(args.teacher))
    factors = {name: theirs[name] / ours[name] for name in LAYERS}
    weights = scaled(weights, factors)
    stored = quantise(weights, x, json.loads(args.steps), rng)
    stored |= mixes(load_file(f"{args.trained}/vgg16.safetensors"), weights, stored, factors)
    pathlib.Path(args.out).write_bytes(packed(stored))
    for path, tensors in ((args.float, weights), (args.plain, stored), (args.vgg16, shortened(stored))):
        if path:
            pathlib.Path(path).write_bytes(save(tensors, METADATA))
