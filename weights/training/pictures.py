"""Pictures for the training: square tiles of photos and paintings, and random crops of them."""

import math
import multiprocessing
import pathlib
import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIDE = 288  # of a tile
SCALES = (272, 352, 448, 640)  # short sides of a painting from which tiles are taken


def cut(path, short, dice, side):
    """A random tile of a picture whose short side is brought to `short`."""
    picture = Image.open(path).convert("RGB")
    scale = max(short, side) / min(picture.size)
    size = [max(side, round(edge * scale)) for edge in picture.size]
    x, y = (dice.randint(0, edge - side) for edge in size)
    return np.asarray(picture.resize(size, Image.LANCZOS).crop((x, y, x + side, y + side)))


def of_photo(job):
    path, side = job
    return [cut(path, side, random.Random(path.name), side)]


def of_painting(job):
    path, side = job
    dice = random.Random(path.name)
    shorts = [short * side // SIDE for short in SCALES for _ in range(6)]
    return [cut(path, short, dice, side) for short in shorts]


def tiles(folder, kind, side=SIDE):
    """All tiles of a folder's pictures as uint8 N x 3 x side x side."""
    jobs = [(path, side) for path in sorted(pathlib.Path(folder).iterdir())]
    with multiprocessing.Pool() as pool:
        found = sum(pool.map(kind, jobs, chunksize=8), [])
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


def crops(source, which, size, zoom=1.0, turned=True):
    """Random crops of the tiles `which`, as float size x size in [0, 1]. Each crop covers up to `zoom` times
    its side; with `turned` it is mirrored and turned at random."""
    n, device, side = len(which), source.device, source.shape[-1]
    scale = 1 + (min(zoom, side / size) - 1) * torch.rand(n, 1, 1, device=device)
    room = side - scale * size
    corner = room * torch.rand(n, 1, 2, device=device)
    corner = torch.where(scale == 1, corner.round(), corner)
    steps = torch.arange(size, device=device) + 0.5
    y, x = (axis[None] for axis in torch.meshgrid(steps, steps, indexing="ij"))
    if turned:
        dice = torch.rand(n, 3, 1, 1, device=device)
        x = torch.where(dice[:, 0] < 0.5, size - x, x)
        y = torch.where(dice[:, 1] < 0.15, size - y, y)
        x, y = torch.where(dice[:, 2] < 0.15, y, x), torch.where(dice[:, 2] < 0.15, x, y)
    place = torch.stack((scale * x + corner[..., :1], scale * y + corner[..., 1:]), -1)
    grid = place.expand(n, -1, -1, -1) * 2 / side - 1
    return F.grid_sample(source[which].float() / 255, grid, mode="bilinear", align_corners=False)


def aligned(sources, which, size):
    """The same random crop of the same pictures of several sources."""
    y, x = (int(v) for v in torch.randint(0, sources[0].shape[-1] - size + 1, (2,)))
    return [source[which, :, y : y + size, x : x + size].float() / 255 for source in sources]


def recoloured(x, share):
    """A share of the pictures with their colours turned about the grey axis, some negated."""
    n, device = len(x), x.device
    angle = 2 * math.pi * torch.rand(n, device=device)
    third = torch.full((3, 3), 1 / 3, device=device)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=device) / math.sqrt(3)
    eye = torch.eye(3, device=device)
    c, s = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    turned = torch.einsum("nij,njhw->nihw", c * eye + (1 - c) * third + s * cross, x)
    dice = torch.rand(n, 1, 1, 1, device=device)
    turned = torch.where(dice < share / 4, 1 - turned, turned)
    return torch.where(dice < share, turned, x).clamp(0, 1)


def roughened(x):
    """Two fifths of the pictures with noise of random strengths, a tenth with their chroma blurred."""
    n, device = len(x), x.device
    dice = torch.rand(3, n, 1, 1, 1, device=device)
    noise = 0.1 * dice[0].square() * (dice[1] < 0.4)
    fine = x - F.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)
    grey = fine.mean(1, keepdim=True)
    x = torch.where(dice[2] < 0.1, x - fine + grey, x)
    return (x + noise * torch.randn_like(x)).clamp(0, 1)
