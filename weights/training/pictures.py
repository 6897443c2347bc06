"""Pictures for the training: tiles packed into one array, and random crops of them."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def command(args):
    """Random tiles of pictures, shuffled, as one uint8 array N x side x side x 3.

    Photos come at random scales. With --as-painted pictures keep theirs: frames of transfers."""
    dice, tiles, side = random.Random(args.seed), [], args.side
    for path in sorted(args.pictures):
        picture = Image.open(path).convert("RGB")
        short = min(picture.size)
        for _ in range(args.per_picture):
            scale = 1 if args.as_painted else min(dice.choice((272, 320, 384, 512)) / short, 1.3)
            size = [max(side, round(edge * max(scale, side / short))) for edge in picture.size]
            x, y = (dice.randint(0, edge - side) for edge in size)
            tile = picture.resize(size, Image.LANCZOS).crop((x, y, x + side, y + side))
            tiles.append(np.asarray(tile))
    np.random.default_rng(args.seed).shuffle(tiles)
    np.save(args.out, np.stack(tiles))


class Tiles:
    """Random crops of packed tiles, as 3 x size x size in [0, 1]."""

    def __init__(self, path, size, rng):
        self.tiles, self.size, self.rng = np.load(path, mmap_mode="r"), size, rng

    def one(self):
        """A crop at one or, where the tile has room, 1.6 times its final scale; mirrored half the
        time, turned sometimes."""
        tile = self.tiles[self.rng.integers(len(self.tiles))]
        wide = int(1.6 * self.size)
        side = wide if wide <= len(tile) and self.rng.random() < 1 / 3 else self.size
        y, x = self.rng.integers(0, len(tile) - side + 1, 2)
        crop = torch.from_numpy(tile[y : y + side, x : x + side].copy()).permute(2, 0, 1).float() / 255
        if side != self.size:
            shape = (self.size, self.size)
            crop = F.interpolate(crop[None], shape, mode="bilinear", antialias=True)[0].clamp(0, 1)
        crop = crop.flip(2) if self.rng.random() < 0.5 else crop
        return crop.transpose(1, 2) if self.rng.random() < 0.15 else crop


def blends(photos, paintings, count, size, rng):
    """Random crops for refits, as N x 3 x size x size in [0, 1]: photos (45 %), paintings (25 %), and the
    coarse part of a photo with the fine part of a painting or a mixture of both; half of them with noise."""
    photos, paintings = (Tiles(path, size, rng) for path in (photos, paintings))
    return torch.stack([blend(photos.one(), paintings.one(), rng) for _ in range(count)])


def blend(photo, painting, rng):
    kind = rng.random()
    if kind < 0.45:
        x = photo
    elif kind < 0.7:
        x = painting
    elif kind < 0.88:
        cell = 2 ** int(rng.integers(1, 5))
        x = coarse(photo, cell) + (painting - coarse(painting, cell)) * rng.uniform(0.5, 1.5)
    else:
        x = photo + (painting - photo) * rng.random()
    noise = 0.12 * rng.random() ** 2 * (rng.random() < 0.5)
    return (x + noise * torch.randn_like(x)).clamp(0, 1)


def coarse(x, cell):
    """What means over cells of `cell` x `cell` pixels leave of a picture."""
    return F.interpolate(F.avg_pool2d(x[None], cell), x.shape[1:], mode="bilinear")[0]
