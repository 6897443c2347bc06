"""Changes to weights that need no training: 8 bit, deeper, random, palette, rescaled."""

import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from network import CHANNELS, CONTENT, MEAN, METADATA, layers, read, write
from safetensors.torch import save_file


def quantised(weights):
    """8-bit weights with one scale per output channel (largest magnitude / 127).

    Block 1 stays in half precision: it has 0.3 % of the weights and made over half of the error.
    """
    out = {}
    for key, value in weights.items():
        if key.startswith("block1") and key.endswith(".weight"):
            out[key] = value.half()
        elif key.endswith(".weight"):
            scale = value.abs().amax((1, 2, 3)).clamp_min(1e-12) / 127
            codes = (value / scale.view(-1, 1, 1, 1)).round().clamp(-127, 127)
            out[key] = codes.to(torch.int8).contiguous()
            out[key.removesuffix("weight") + "scale"] = scale
        else:
            out[key] = value
    return out


def quantise(src, dst, note):
    model, weights = read(src)
    stored = [f"{n}.{p}" for n, _, _ in layers(model) for p in ("weight", "bias")]
    codes = quantised({key: weights[key].float().contiguous() for key in stored})
    save_file(codes, dst, metadata={"model": model, "note": note, **METADATA})


def deepen(src, dst, note):
    """A VGG19 that computes a VGG16's function: the layers it adds are identities."""
    model, weights = read(src)
    if model != "vgg16":
        raise SystemExit(f"{src}: is a {model}; give a vgg16")
    for name, channels in (("block3_conv4", 256), ("block4_conv4", 512)):
        eye = torch.eye(channels).view(channels, channels, 1, 1)
        weights[f"{name}.weight"] = F.pad(eye, (1, 1, 1, 1))
        weights[f"{name}.bias"] = torch.zeros(channels)
    write(dst, "vgg19", weights, note)


def random_file(dst, seed):
    """An untrained VGG16 (He initialisation), the lower end of the table of scores."""
    generator, weights, fan = torch.Generator().manual_seed(seed), {}, 3
    for name, block, _ in layers("vgg16"):
        channels = CHANNELS[block - 1]
        kernel = torch.randn(channels, fan, 3, 3, generator=generator)
        weights[f"{name}.weight"] = kernel * math.sqrt(2 / (9 * fan))
        weights[f"{name}.bias"] = torch.zeros(channels)
        fan = channels
    write(dst, "vgg16", weights, f"random, seed {seed}")


def samples(data, count, sizes, seed=0):
    """For each of `sizes`, `count` training pictures of that size, with "caffe" preprocessing."""
    pictures, generator = np.load(pathlib.Path(data) / "x.npy", mmap_mode="r"), torch.Generator()
    generator.manual_seed(seed)
    batches = []
    for size in sizes:
        index = torch.randint(0, len(pictures), (count,), generator=generator).numpy()
        x = torch.from_numpy(pictures[index]).permute(0, 3, 1, 2).float()
        x = F.interpolate(x, size=(size, size), mode="bicubic", antialias=True)
        batches.append(x.clamp(0, 255) - MEAN)
    return batches


def flat(batches):
    """Channels x positions, all batches in one."""
    return torch.cat([batch.permute(1, 0, 2, 3).flatten(1) for batch in batches], 1)


def most_redundant(responses, count):
    """The channels that the others (and a constant) predict best, taken away one by one."""
    ones = torch.ones(1, responses.shape[1])
    rows = torch.cat([responses, ones])
    moments = (rows @ rows.T / rows.shape[1]).double()
    last, kept = len(responses), list(range(len(responses)))
    variance = moments.diag()[:last] - moments[:last, last] ** 2
    for _ in range(count):
        index = [*kept, last]
        inverse = torch.linalg.inv(moments[index][:, index] + 1e-9 * torch.diag(moments.diag()[index]))
        unexplained = 1 / inverse.diag()[:-1] / variance[kept]
        kept.pop(int(unexplained.argmin()))
    return [c for c in range(last) if c not in kept], kept


def refitted(inputs, outputs, ridge=1e-3):
    """A 3x3 convolution from `inputs` to `outputs`, by least squares over all positions."""
    width = inputs[0].shape[1] * 9 + 1
    normal, right, count = torch.zeros(width, width).double(), 0, 0
    for x, z in zip(inputs, outputs):
        for one, aim in zip(x, z):
            patches = F.unfold(one[None], 3, padding=1)[0, :, ::2]
            patches = torch.cat([patches, torch.ones(1, patches.shape[1])])
            normal += (patches @ patches.T).double()
            right = right + (patches @ aim.flatten(1)[:, ::2].T).double()
            count += patches.shape[1]
    normal, right = normal / count, right / count
    found = torch.linalg.solve(normal + ridge * torch.diag(normal.diag()), right).float()
    return found[:-1].T.reshape(len(outputs[0][0]), -1, 3, 3).contiguous(), found[-1].clone()


@torch.no_grad()
def palette(src, dst, data, channels, gain, note):
    """Gives block1_conv1 filters that see plain colour: + and - of red, green and blue.

    They replace its most redundant filters, at `gain` times the median response of the rest;
    block1_conv2 is refitted so that its features, and all later ones, stay nearly the same.
    """
    model, weights = read(src)
    first, second = ("block1_conv1.weight", "block1_conv1.bias"), ("block1_conv2.weight", "block1_conv2.bias")
    pictures = samples(data, 24, (64, 128))
    run = lambda x, names: F.conv2d(x, weights[names[0]], weights[names[1]], padding=1)
    responses = [F.relu(run(x, first)) for x in pictures]
    aims = [run(response, second) for response in responses]
    replaced, kept = most_redundant(flat(responses), channels)
    colour = torch.zeros(channels, 3, 3, 3)
    for k in range(channels):
        colour[k, (k // 2) % 3, 1, 1] = 1 - 2 * (k % 2)
    rms = lambda batches: flat(batches).square().mean(1).sqrt()
    wanted = gain * rms(responses)[kept].median()
    colour *= (wanted / rms([F.relu(F.conv2d(x, colour, padding=1)) for x in pictures])).view(-1, 1, 1, 1)
    weights[first[0]][replaced], weights[first[1]][replaced] = colour, 0.0
    changed = [F.relu(run(x, first)) for x in pictures]
    weights[second[0]], weights[second[1]] = refitted(changed, aims)
    write(dst, model, weights, note)


@torch.no_grad()
def rescale(src, dst, data, names, power, note):
    """Multiplies each channel of the named layers by (rms / median rms)^-power.

    The next layer's weights take the factor back, so the function after it is the same; what
    changes is each channel's share in the content loss or the Gram matrix.
    """
    model, weights = read(src)
    order = [name for name, _, _ in layers(model)]
    energy = {name: [] for name in names}
    for x in samples(data, 16, (128, 192)):
        for name, _, pool in layers(model):
            x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))
            if name in energy:
                energy[name].append(x.square().mean((0, 2, 3)))
            x = F.max_pool2d(x, 2) if pool else x
    for name in names:
        rms = torch.stack(energy[name]).mean(0).sqrt()
        factor = (rms / rms.median()).clamp_min(0.05).pow(-power)
        weights[f"{name}.weight"] *= factor.view(-1, 1, 1, 1)
        weights[f"{name}.bias"] *= factor
        if name != CONTENT:
            weights[f"{order[order.index(name) + 1]}.weight"] /= factor.view(1, -1, 1, 1)
    write(dst, model, weights, note)
