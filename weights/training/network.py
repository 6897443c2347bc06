"""The VGG layers, their weight files, and their features.

Conventions, the same as the product's: pixels are sRGB in [0, 1], NCHW, RGB; "caffe"
preprocessing is 255 * rgb - MEAN; a feature is the ReLU output of blockB_convC; pools are
2x2 max, stride 2; a Gram matrix is F F^T / M with M = height * width.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
STYLE = [f"block{b}_conv1" for b in range(1, 6)]
CONTENT = "block5_conv2"  # also the last layer that is trained and stored
MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
METADATA = {
    "preprocessing": "caffe",
    "channels": "rgb",
    "source": "nst builtin",
    "licence": "MIT OR Apache-2.0",
}


def layers(model):
    """Name, block, and whether a pool follows, for each layer up to CONTENT."""
    for block, count in enumerate(BLOCKS[model], 1):
        for conv in range(1, count + 1):
            name = f"block{block}_conv{conv}"
            yield name, block, conv == count
            if name == CONTENT:
                return


def read(path):
    """Model name and float32 weights of a file, 8-bit files included."""
    with safe_open(path, "pt") as file:
        model = file.metadata()["model"]
    raw, weights = load_file(path), {}
    for key, value in raw.items():
        if key.endswith(".scale"):
            continue
        weights[key] = value.float()
        if value.dtype == torch.int8:
            weights[key] *= raw[key.removesuffix("weight") + "scale"].view(-1, 1, 1, 1)
    return model, weights


def write(path, model, weights, note):
    """Writes float32 weights of the layers up to CONTENT."""
    keep = {}
    for name, _, _ in layers(model):
        for part in ("weight", "bias"):
            keep[f"{name}.{part}"] = weights[f"{name}.{part}"].float().contiguous()
    save_file(keep, path, metadata={"model": model, "note": note, **METADATA})


def features(x, weights, model, halve=F.max_pool2d):
    """ReLU outputs of every layer up to CONTENT for pixels in [0, 1]; `halve` is the pool."""
    x, out = 255 * x - MEAN, {}
    for name, _, pool in layers(model):
        x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))
        out[name] = x
        if pool:
            x = halve(x, 2)
    return out


def gram(feature):
    flat = feature.reshape(feature.shape[1], -1)
    return flat @ flat.T / flat.shape[1]


def open_picture(path, size):
    """The picture at its longest side `size`, as 1 x 3 x H x W in [0, 1]."""
    picture = Image.open(path).convert("RGB")
    k = size / max(picture.size)
    shape = (round(picture.width * k), round(picture.height * k))
    pixels = np.array(picture.resize(shape, Image.LANCZOS))
    return torch.from_numpy(pixels).float().permute(2, 0, 1)[None] / 255
