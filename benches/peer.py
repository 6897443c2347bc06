#!/usr/bin/env python3
"""Seconds of a whole step (forward, losses, gradient to the pixels, Adam) of PyTorch on its graphics card.

    python3 peer.py SIZE [STEPS]

One JSON line for each precision: f32, TF32 and bf16 (autocast, channels last). The network is a VGG19 of
noise up to block5_conv2, the pictures are noise; the losses are those of `nst bench`.
"""

import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

WIDTHS = [(64, 64), (128, 128), (256,) * 4, (512,) * 4, (512, 512)]


def layers(device):
    """Weights and bias of each convolution, and whether a pool comes first."""
    inputs, out = 3, []
    for block, widths in enumerate(WIDTHS):
        for place, outputs in enumerate(widths):
            weight = torch.randn(outputs, inputs, 3, 3, device=device) * (2 / (9 * inputs)) ** 0.5
            pooled = block > 0 and place == 0
            weight = weight.to(memory_format=torch.channels_last)
            out.append((weight, torch.zeros(outputs, device=device), pooled))
            inputs = outputs
    return out


def features(x, network):
    """The first layer of each block, and the last of all."""
    style, x = [], x * 255 - 118
    for place, (weight, bias, pooled) in enumerate(network):
        x = F.max_pool2d(x, 2) if pooled else x
        x = F.relu(F.conv2d(x, weight, bias, padding=1))
        if pooled or place == 0:
            style.append(x)
    return style, x


def gram(x):
    flat = x.flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]


def loss(x, network, targets):
    style, content = features(x, network)
    grams, wanted = targets
    total = (content.float() - wanted).square().sum() / wanted.square().sum()
    for found, target in zip(style, grams):
        total = total + 30 / 5 * (gram(found).float() - target).square().sum() / target.square().sum()
    return total


def measure(size, steps, precision):
    device = torch.device("cuda")
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "f32"
    torch.backends.cudnn.benchmark = True
    network = layers(device)
    picture = lambda: torch.rand(1, 3, size, size, device=device).to(memory_format=torch.channels_last)
    context = lambda: torch.autocast("cuda", dtype=torch.bfloat16, enabled=precision == "bf16")
    with torch.no_grad(), context():
        grams = [gram(f).float() for f in features(picture(), network)[0]]
        wanted = features(picture(), network)[1].float()
    x = picture().requires_grad_()
    adam = torch.optim.Adam([x], lr=0.02, fused=True)
    torch.cuda.reset_peak_memory_stats()
    walls = []
    for _ in range(steps + 3):
        begun = time.perf_counter()
        adam.zero_grad(set_to_none=True)
        with context():
            total = loss(x, network, (grams, wanted))
        total.backward()
        adam.step()
        total.item()
        torch.cuda.synchronize()
        walls.append(time.perf_counter() - begun)
    return {
        "precision": precision,
        "size": size,
        "median_seconds": statistics.median(walls[3:]),
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20,
    }


def main():
    size, steps = int(sys.argv[1]), int((sys.argv + ["10"])[2])
    for precision in ("f32", "tf32", "bf16"):
        print(json.dumps(measure(size, steps, precision)), flush=True)


main()
