"""What is taken along of pictures to the machine that trains."""

import pathlib
import random

from PIL import Image
from pictures import SIDE


def command(args):
    """A folder to train on, small enough to take along: so many photos of each folder, at random, their short sides
    SIDE, and every painting, its long side at most 768; as WebP."""
    dice, photos = random.Random(args.seed), []
    for folder, count in (source.rsplit(":", 1) for source in args.photos):
        found = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
        dice.shuffle(found)
        photos += found[: int(count)]
    for number, path in enumerate(photos):
        picture = Image.open(path).convert("RGB")
        picture = shrunk(picture, SIDE / min(picture.size))
        x, y = (max(0, edge - 3 * SIDE // 2) // 2 for edge in picture.size)
        picture = picture.crop((x, y, min(picture.width, x + 3 * SIDE // 2), min(picture.height, y + 3 * SIDE // 2)))
        keep(picture, f"{args.out}/photos/{number:04}.webp", 72)
    for path in map(pathlib.Path, args.paintings):
        picture = Image.open(path).convert("RGB")
        keep(shrunk(picture, 768 / max(picture.size)), f"{args.out}/paintings/{path.stem}.webp", 80)


def shrunk(picture, scale):
    size = [round(edge * scale) for edge in picture.size]
    return picture.resize(size, Image.LANCZOS) if scale < 1 else picture


def keep(picture, path, quality):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=quality)
