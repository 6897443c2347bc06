"""Everything that a training works with: pictures, teacher, policy pictures, the score."""

import pathlib
import time

import torch
from network import read
from painting import Policy
from pictures import aligned, crops, of_painting, of_photo, recoloured, roughened, tiles
from score import Score
from student import halved, last


class Room:
    """The settings, the device and all that is kept on it."""

    def __init__(self, args):
        self.args, self.device = args, torch.device(args.device)
        folder, side = pathlib.Path(args.data), args.tile
        photos = tiles(folder / "photos", of_photo, side)
        paintings = tiles(folder / "paintings", of_painting, side)
        self.photos, self.paintings = photos.to(self.device), paintings.to(self.device)
        teacher = {k: v.to(self.device) for k, v in read(args.teacher).items()}
        self.teacher = halved(teacher)
        self.score = Score(folder / "judge", teacher, self.device, args.judged, args.judged_steps)
        self.policy = Policy(self.photos, self.paintings, args.ring, args.painted)
        self.say(f"{len(self.photos)} photos, {len(self.paintings)} tiles of paintings")

    begun = time.time()

    def say(self, text):
        print(f"[{time.time() - self.begun:6.1f} s] {text}", flush=True)

    def settle(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def pick(self, source, count):
        return torch.randint(source if isinstance(source, int) else len(source), (count,), device=self.device)

    def paint(self, weights):
        args, begun = self.args, time.time()
        self.policy.paint(halved(weights), args.paint_count, args.paint_steps, args.frames)
        self.settle()
        self.say(f"painted {args.paint_count} pictures in {time.time() - begun:.1f} s")

    def batch(self):
        """Painted pictures, their photos, their styles; then photos and paintings."""
        args, policy = self.args, self.policy
        which, size = self.pick(policy.filled, args.triples), args.size
        painted, photo = aligned((policy.painted, policy.content), which, size)
        (style,) = aligned((policy.style,), which, size)
        photos = recoloured(crops(self.photos, self.pick(self.photos, args.photos), size, 1.3), 0.15)
        others = recoloured(crops(self.paintings, self.pick(self.paintings, args.paintings), size, 1.3), 0.3)
        return last(torch.cat((roughened(painted), photo, style, roughened(photos), roughened(others))))
