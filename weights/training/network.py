"""The VGG19 layers down to block5_conv2, their weight files, and their features.

Conventions, the same as the product's: pixels are sRGB in [0, 1], NCHW, RGB; "caffe"
preprocessing is 255 * rgb - MEAN; a feature is the ReLU output of blockB_convC; pools are
2x2 max, stride 2; a Gram matrix is F F^T / M with M = height * width.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load, load_file

MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
LAYERS = [f"block{b}_conv{c}" for b, n in enumerate((2, 2, 4, 4, 2), 1) for c in range(1, n + 1)]
LAST = {"block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4"}  # a pool follows
STYLE = [f"block{b}_conv1" for b in range(1, 6)]
CONTENT = "block5_conv2"
METADATA = {
    "model": "vgg19",
    "preprocessing": "caffe",
    "channels": "rgb",
    "source": "nst builtin",
    "note": "trained by this project to agree with the Oxford VGG19 of K. Simonyan and A. Zisserman (CC BY 4.0)",
    "licence": "CC-BY-4.0",
}


def read(path):
    """Float32 weights of a file, 8-bit and gzipped files included."""
    if path.endswith(".gz"):
        import gzip

        with gzip.open(path) as file:
            return dequantised(load(file.read()))
    return dequantised(load_file(path))


def dequantised(stored):
    weights = {}
    for name in LAYERS:
        weights[f"{name}.bias"] = stored[f"{name}.bias"].float()
        weights[f"{name}.weight"] = stored[f"{name}.weight"].float()
        if f"{name}.scale" in stored:
            weights[f"{name}.weight"] *= stored[f"{name}.scale"].view(-1, 1, 1, 1)
    return weights


@functools.cache
def mean_on(device):
    return MEAN.to(device)


def convolve(x, weights, name):
    return F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))


def features(x, weights, layers=LAYERS, pools=LAST):
    """ReLU outputs of every layer for pixels in [0, 1]."""
    x, out = 255 * x - mean_on(x.device), {}
    for name in layers:
        x = out[name] = convolve(x, weights, name)
        if name in pools:
            x = F.max_pool2d(x, 2)
    return out


def half_features(x, weights, **which):
    """The same with convolutions in bf16, channels last."""
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        return features(x.contiguous(memory_format=torch.channels_last), weights, **which)


@torch.no_grad()
def rms(x, weights):
    """The root mean square of every layer's output."""
    return {name: f.float().square().mean().sqrt() for name, f in features(x, weights).items()}


@torch.no_grad()
def scaled(weights, factors):
    """The same function but for a positive factor on each layer's output."""
    out, before = {}, 1.0
    for name in LAYERS:
        out[f"{name}.weight"] = weights[f"{name}.weight"] * (factors[name] / before)
        out[f"{name}.bias"] = weights[f"{name}.bias"] * factors[name]
        before = factors[name]
    return out


def patches(x, count, rng):
    """Inputs of a 3 x 3 convolution at random positions, one row each."""
    per_map = -(-count // len(x))
    rows = []
    for one in x:
        _, h, w = one.shape
        padded = F.pad(one, (1, 1, 1, 1))
        spots = rng.permutation(h * w)[:per_map]
        y, z = (torch.from_numpy(v) for v in np.divmod(spots, w))
        taps = [padded[:, y + dy, z + dx] for dy in range(3) for dx in range(3)]
        rows.append(torch.stack(taps, 1).permute(2, 0, 1).flatten(1))
    return torch.cat(rows)


def gram(feature):
    flat = feature.permute(0, 2, 3, 1).flatten(1, 2).float()
    return flat.transpose(1, 2) @ flat / flat.shape[1]


def open_picture(path, longest=None, shape=None):
    """The picture as 1 x 3 x H x W in [0, 1], at its longest side `longest` or of shape (H, W)."""
    picture = Image.open(path).convert("RGB")
    if longest:
        k = longest / max(picture.size)
        shape = (round(picture.height * k), round(picture.width * k))
    if shape:
        picture = picture.resize((shape[1], shape[0]), Image.LANCZOS)
    return torch.from_numpy(np.array(picture)).float().permute(2, 0, 1)[None] / 255
