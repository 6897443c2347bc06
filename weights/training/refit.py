"""One convolution at a time, refitted so that its features are the teacher's but for a rotation.

Inner products of positions agree exactly where F_s = F_t Q with Q orthogonal. The layers are refitted from
the picture down, each on the features that the refitted layers before it give. A step takes positions of
all pictures and three things in turn:

    Q = U V^T of F_t^T F_s = U S V^T           the rotation that brings the teacher nearest (Procrustes)
    R = (F_s - F_t Q), where the ReLU is open   what is missing
    W <- W - rate * R^T X (X^T X / n)^-1 / n    with X the convolution's inputs, 9 C values a position

The inverse covariance of the inputs makes up for their very uneven energy (a natural gradient for one
layer): 60 to 90 steps do what thousands of plain gradient steps over the whole network do not. Q is found from
inner products alone and starts in the student's own basis; no weight or channel of the teacher is a target.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from distil import METADATA, PIXELS
from network import LAST, LAYERS, MEAN, convolve, read
from pictures import blends
from safetensors.torch import save_file

MOMENTUM = 0.9
RATE = 800  # over the number of inputs: the noise of a step grows with them
RIDGE = 3e-3  # of the mean of the covariance's diagonal
LEAK = 0.3  # how much of an error reaches a closed unit that ought to be open
NEVER_OPEN = 0.2  # a unit open at a smaller share of positions counts as open there


class Maps:
    """Feature maps as padded rows, so that inputs of a 3 x 3 convolution are nine row look-ups."""

    def __init__(self, maps):
        self.count, channels, self.height, self.width = maps.shape
        rows = torch.zeros(self.count, self.height + 2, self.width + 2, channels, dtype=torch.bfloat16)
        rows[:, 1:-1, 1:-1] = maps.permute(0, 2, 3, 1)
        self.rows = rows.view(-1, channels)

    def patches(self, positions):
        """One row of 9 * channels for each position, tap by tap."""
        picture, place = positions // (self.height * self.width), positions % (self.height * self.width)
        wide = self.width + 2
        corner = picture * (self.height + 2) * wide + place // self.width * wide + place % self.width
        taps = torch.tensor([y * wide + x for y in range(3) for x in range(3)])
        return self.rows.index_select(0, (corner[:, None] + taps).view(-1)).view(len(positions), -1).float()


def flat(maps):
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def moments(maps, positions):
    """Mean of the inputs and inverse of their covariance."""
    total, second = 0, 0
    for part in positions.split(2048):
        x = maps.patches(part)
        total, second = total + x.sum(0), second + x.T @ x
    mean = total / len(positions)
    covariance = second / len(positions) - torch.outer(mean, mean)
    covariance += RIDGE * covariance.diagonal().mean() * torch.eye(len(mean))
    return mean, torch.cholesky_inverse(torch.linalg.cholesky(covariance))


def regression(x, wanted, inverse):
    """Weights and biases that give `wanted` from x: conjugate gradients, the inverse covariance before them."""
    mean, middle = x.mean(0), wanted.mean(0)
    x, rest = x - mean, wanted - middle
    weight, way, energy = torch.zeros(wanted.shape[1], x.shape[1]), 0, None
    for _ in range(5):
        gradient = rest.T @ x / len(x)
        steep = gradient @ inverse
        now = (gradient * steep).sum()
        way = steep if energy is None else steep + way * (now / energy)
        energy, gain = now, x @ way.T
        stride = now / (gain.square().sum() / len(x))
        weight, rest = weight + stride * way, rest - stride * gain
    return weight, middle - weight @ mean


def revived(wanted, theirs, dice):
    """Units that never open begin as random mixtures of the teacher's features, open at a quarter of the positions."""
    closed = (wanted > 0).float().mean(0) < 0.003
    mixed = theirs @ torch.randn(theirs.shape[1], len(closed), generator=dice)
    mixed = ((mixed - mixed.mean(0)) / mixed.std(0) - 0.7) * wanted[:, ~closed].std()
    return torch.where(closed, mixed, wanted)


def layer(maps, theirs, wanted, steps, points, dice):
    """Weights of one convolution. `theirs`: the teacher's features at the positions of `maps`, rms 1;
    `wanted`: pre-activations to begin at, at the first positions."""
    draw = lambda below, count: torch.randint(below, (count,), generator=dice)
    width = 9 * maps.rows.shape[1]
    rate = min(1.0, RATE / width)
    mean, inverse = moments(maps, torch.randperm(len(theirs), generator=dice)[: max(12288, 3 * width)])
    begun = draw(len(wanted), 8192)
    wanted = revived(wanted[begun], theirs[begun].float(), dice)
    weight, bias = regression(maps.patches(begun), wanted, inverse)
    speed, drift, crossed = 0, 0, 0
    for step in range(steps):
        positions = draw(len(theirs), points)
        x, t = maps.patches(positions), theirs[positions].float()
        z = x @ weight.T + bias
        f = z.relu()
        old = min(0.8, step / (step + 3))
        crossed = crossed * old + t.T @ f / points * (1 - old)
        if step < 4 or step % 4 == 0:
            u, _, v = torch.linalg.svd(crossed)
            rotation = u @ v
        rest = (f - t @ rotation) * openness(z, f, t @ rotation)
        gradient = rest.T @ x / points - torch.outer(rest.mean(0), mean)
        share = (z > 0).float().mean(0).clamp_min(NEVER_OPEN)
        change = gradient @ inverse / share[:, None]
        speed = MOMENTUM * speed + change
        drift = MOMENTUM * drift + rest.mean(0) / share - change @ mean
        pace = rate * min(1, (step + 1) / 5) * 0.5 * (1 + math.cos(math.pi * step / steps)) * (1 - MOMENTUM)
        weight, bias = weight - pace * speed, bias - pace * drift
    return weight.view(len(weight), 3, 3, -1).permute(0, 3, 1, 2).contiguous(), bias


def openness(z, f, target):
    """1 where a unit is open; a little where it is closed and the target wants more."""
    size = f.square().mean(0).sqrt().clamp_min(0.1)
    nearly = LEAK * torch.exp((z / size).clamp(-8, 0))
    return torch.where(z > 0, 1.0, nearly * (f < target))


@torch.no_grad()
def command(args):
    """Refits the layers from `first` to `last`, both by the beginning of their names. Those before come from
    `refitted`; those after are only fitted to what `start` gave there, so that the file is whole."""
    dice, rng = torch.Generator().manual_seed(args.seed), np.random.default_rng(args.seed)
    ours = theirs = 255 * blends(args.photos, args.paintings, args.count, args.side, rng) - MEAN
    begun = ours[: args.begin]
    start, teacher, out = read(args.start), read(args.teacher), {}
    done = read(args.refitted) if args.refitted else {}
    for name in LAYERS:
        theirs = convolve(theirs, teacher, name)
        before = F.conv2d(begun, start[f"{name}.weight"], start[f"{name}.bias"], padding=1)
        begun = before.relu()
        if name < args.first:
            fitted = done[f"{name}.weight"], done[f"{name}.bias"]
        else:
            steps = args.steps if name[: len(args.last)] <= args.last else 0
            target = (flat(theirs) / theirs.square().mean().sqrt()).bfloat16()
            wanted = flat(before) / begun.square().mean().sqrt()
            fitted = layer(Maps(ours), target, wanted, steps, args.points, dice)
        out[f"{name}.weight"], out[f"{name}.bias"] = fitted
        ours = convolve(ours, out, name)
        print(f"{name}: Procrustes distance {procrustes(flat(ours), flat(theirs)):.3f}", flush=True)
        if name in LAST:
            ours, theirs, begun = (F.max_pool2d(f, 2) for f in (ours, theirs, begun))
    save_file({k: v.half().contiguous() for k, v in out.items()}, args.out, metadata=METADATA)


def procrustes(ours, theirs, count=8192):
    """min |F_s - g F_t Q|^2 / |F_s|^2 over rotations Q and a factor g, at evenly spread positions."""
    ours, theirs = (f[:: -(-len(f) // count)] for f in (ours, theirs))
    common = torch.linalg.svdvals(theirs.T @ ours).sum()
    return (1 - common**2 / (ours.square().sum() * theirs.square().sum())).item()
