"""How far the inner products of two networks' features disagree.

Both losses of style transfer see features only through inner products of positions: sum |F - P|^2 and
the squared distance of two Gram matrices are functions of f_i . f_j alone. So a network serves as well
as another if its inner products agree, whatever its channels are. No weight and no channel of the
teacher is ever a target.

As K = F F^T over positions, <K_s, K_t> = |F_s^T F_t|^2: products of channels by channels do for most terms
(linear CKA, Kornblith et al. 2019, arXiv:1905.00414).
"""

import torch
from network import LAYERS
from optimise import polar

TERMS = ("kernel", "centred", "rotated", "moved", "moved rotated", "style", "style's size")
REMEMBERED = 0.95  # of the cross moments from which a rotation is found


def by_width(names, maps):
    """Layers with equally many channels, to be worked on together."""
    widths = {name: maps[name].shape[1] for name in names}
    return [[n for n in names if widths[n] == width] for width in dict.fromkeys(widths.values())]


def rows(maps, grid, corner):
    """Features at grid x grid positions of each picture, as pictures x positions x channels in float32."""
    pictures, _, height, width = maps.shape
    stride = width // grid
    y, x = (torch.arange(grid, device=maps.device) * stride + int(share * stride) for share in corner)
    places = (y[:, None] * width + x).view(-1)
    places = (torch.arange(pictures, device=maps.device)[:, None] * height * width + places).view(-1)
    # As rows, not as slices of maps, whose gradients would not be channels last.
    found = maps.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, places).float()
    return found.view(pictures, grid * grid, -1)


def products(s, t):
    """S^T S, T^T T and T^T S of rows, layer by layer, for one row."""
    count = s.shape[1]
    return tuple(a.transpose(1, 2) @ b / count for a, b in ((s, s), (t, t), (t, s)))


def unlike(own, teachers, cross):
    """1 - <K_s, K_t> / (|K_s| |K_t|), for each layer."""
    square = lambda m: m.square().sum((-1, -2))
    return 1 - square(cross) / (square(own) * square(teachers)).sqrt()


def unrotated(own, teachers, cross, rotation):
    """min over g of |S - g T Q|^2 / |S|^2, for each layer."""
    energy = lambda m: m.diagonal(dim1=-2, dim2=-1).sum(-1)
    return 1 - (cross * rotation).sum((-1, -2)).square() / (energy(own) * energy(teachers))


class Agreement:
    """The terms of each layer; remembers the rotations between the networks. A batch begins with
    `triples` painted pictures; then come the photos that they were painted from, their styles, and any others."""

    def __init__(self, triples, grid):
        self.triples, self.grid = triples, grid
        self.cross, self.turns, self.sizes = {}, {}, {}

    def terms(self, ours, theirs, names=LAYERS):
        """One row for each layer of `names`, one column for each of TERMS."""
        found, corner = {}, torch.rand(2).tolist()
        for group in by_width(names, ours):
            s, t = (torch.stack([rows(maps[n], self.grid, corner) for n in group]) for maps in (ours, theirs))
            sizes = s.detach().square().mean((1, 2, 3)).sqrt()
            self.sizes |= dict(zip(group, sizes))
            s, t = s / sizes.view(-1, 1, 1, 1), t / t.square().mean((1, 2, 3), keepdim=True).sqrt()
            values = torch.stack([*self.at_large(s, t, group[0]), *self.styles(s, t)], 1)
            found |= dict(zip(group, values))
        return torch.stack([found[name] for name in names])

    def at_large(self, s, t, key):
        """Kernels of all positions, and of how painted pictures differ from their photos."""
        n = self.triples
        all_s, all_t = s.flatten(1, 2), t.flatten(1, 2)
        own, teachers, cross = products(all_s, all_t)
        yield unlike(own, teachers, cross)
        m_s, m_t = all_s.mean(1), all_t.mean(1)
        outer = lambda a, b: a[:, :, None] * b[:, None]
        own, teachers, cross = own - outer(m_s, m_s), teachers - outer(m_t, m_t), cross - outer(m_t, m_s)
        yield unlike(own, teachers, cross)
        rotation = self.rotation(key, cross.detach())
        yield unrotated(own, teachers, cross, rotation)
        moved = [(r[:, :n] - r[:, n : 2 * n]).flatten(1, 2) for r in (s, t)]
        own, teachers, cross = products(*moved)
        yield unlike(own, teachers, cross)
        yield unrotated(own, teachers, cross, rotation)

    @torch.no_grad()
    def rotation(self, key, cross):
        """The rotation that brings the teacher's features nearest to the student's (Procrustes)."""
        kept = self.cross.setdefault(key, cross.clone())
        kept.lerp_(cross, 1 - REMEMBERED)
        turn, age = self.turns.get(key, (None, 0))
        if age % 4 == 0:
            turn = polar(kept, swift=10, exact=4)
        self.turns[key] = turn, age + 1
        return turn

    def styles(self, s, t):
        """F (G - A) F^T of painted pictures and their styles: what the style loss makes of positions."""
        n = self.triples
        ours, theirs = (torch.cat((r[:, :n], r[:, 2 * n : 3 * n]), 2) for r in (s, t))
        (ours, size_s), (theirs, size_t) = pull(ours), pull(theirs)
        norm_s, norm_t = ours.norm(dim=(2, 3)), theirs.norm(dim=(2, 3))
        yield (1 - (ours * theirs).sum((2, 3)) / (norm_s * norm_t)).mean(1)
        yield ((norm_s * size_t / (norm_t * size_s)).log().square()).mean(1)


def pull(f):
    """F (G - A) F^T for positions of a picture, the first half, and of its style, and the size of it all."""
    half = f.shape[2] // 2
    kernel = f @ f.transpose(2, 3)
    sign = torch.cat((kernel.new_ones(half), -kernel.new_ones(half)))
    pulled = (kernel * sign) @ kernel / half
    return pulled, kernel.square().mean((1, 2, 3), keepdim=True)[:, :, 0, 0]
