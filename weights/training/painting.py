"""Batches of transfers with Adam on the pixels, as `nst --optimizer adam` paints them."""

import torch
from network import CONTENT, STYLE, features, gram, half_features
from pictures import crops, recoloured


def targets(content, styles, weights, see=features):
    """Content features of a batch, and Gram matrices of its styles (pictures of any shapes)."""
    with torch.no_grad():
        found = see(content, weights)[CONTENT].float()
        if isinstance(styles, torch.Tensor):
            maps = see(styles, weights)
            return found, [gram(maps[name]) for name in STYLE]
        each = [see(style, weights) for style in styles]
        return found, [torch.cat([gram(maps[name]) for maps in each]) for name in STYLE]


def losses(x, wanted, weights, see=features):
    """Content loss and style loss of each layer for each picture, relative to the targets' energy."""
    content, grams = wanted
    found = see(x, weights)
    away = lambda a, b: (a - b).flatten(1).square().sum(1) / b.flatten(1).square().sum(1)
    layers = torch.stack([away(gram(found[name]), target) for name, target in zip(STYLE, grams)])
    return away(found[CONTENT].float(), content), layers


def total_variation(x):
    right, below = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
    return right.square().mean((1, 2, 3)) + below.square().mean((1, 2, 3))


def paint(x, wanted, weights, beta, steps, lr=0.02, end=1.0, tv=0.0, see=features):
    """Yields the batch after each step; `beta`, `end` and `tv` may be tensors with a value for each picture.
    The rate falls evenly to `end` times itself."""
    x = x.detach().clone().requires_grad_()
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    for step in range(1, steps + 1):
        content, layers = losses(x, wanted, weights, see)
        total = content + beta * layers.mean(0) + tv * total_variation(x)
        (slope,) = torch.autograd.grad(total.sum(), x)
        with torch.no_grad():
            m.lerp_(slope, 0.1)
            v.lerp_(slope.square(), 0.001)
            change = m / (1 - 0.9**step) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
            rate = lr * (1 - (1 - end) * (step - 1) / steps)
            x.sub_(rate * change).clamp_(0, 1)
        yield x.detach()


class Policy:
    """Pictures painted with the student as it is, kept with the photo and the style of each."""

    def __init__(self, photos, paintings, capacity, size):
        self.photos, self.paintings, self.size = photos, paintings, size
        new = lambda: torch.zeros(capacity, 3, size, size, dtype=torch.uint8, device=photos.device)
        self.painted, self.content, self.style = new(), new(), new()
        self.filled = self.next = 0

    def paint(self, weights, count, steps, frames):
        """Paints `count` pictures and keeps them at `frames` moments, from early to last."""
        device = self.photos.device
        pick = lambda source: torch.randint(len(source), (count,), device=device)
        content = recoloured(crops(self.photos, pick(self.photos), self.size, 1.1), 0.1)
        style = crops(self.paintings, pick(self.paintings), self.size, 1.1)
        textures = crops(self.photos, pick(self.photos), self.size, 1.1)
        dice = torch.rand(6, count, 1, 1, 1, device=device)
        style = recoloured(torch.where(dice[0] < 0.2, textures, style), 0.4)
        begin = torch.where(dice[1] < 0.12, style, content)
        begin = torch.where(dice[1] > 0.88, torch.rand_like(content), begin)
        flat = lambda d: d.view(-1)
        settings = {
            "beta": 5 * 20 ** flat(dice[2]),
            "lr": 0.02 + 0.03 * dice[3].square(),
            "end": torch.where(dice[4] < 0.5, 0.1, 1.0),
            "tv": torch.where(flat(dice[5]) < 0.4, 10.0, 0.0),
        }
        wanted = targets(content, style, weights, half_features)
        moments = {max(2, round(steps * ((i + 1) / frames) ** 1.7)) for i in range(frames)}
        for step, x in enumerate(paint(begin, wanted, weights, steps=steps, see=half_features, **settings), 1):
            if step in moments:
                self.keep(x, content, style)

    def keep(self, *pictures):
        for ring, new in zip((self.painted, self.content, self.style), pictures):
            place = (self.next + torch.arange(len(new), device=new.device)) % len(ring)
            ring[place] = (255 * new + 0.5).clamp(0, 255).byte()
        self.next = (self.next + len(pictures[0])) % len(self.painted)
        self.filled = min(self.filled + len(pictures[0]), len(self.painted))
