"""The sum of all terms of all layers, none of them small beside another."""

import torch
from agreement import TERMS

SHARES = torch.tensor([1.0, 1.0, 1.5, 1.0, 0.5, 1.0, 0.3])  # of TERMS
BLOCKS = {"1": 1.0, "2": 1.0, "3": 1.0, "4": 2.0, "5": 4.0}  # of layers, by block
REMEMBERED = 0.98  # of each term's running value, by which it is divided
LEAST = 1e-4  # a term below it counts less and less


class Balance:
    """Each term counts divided by its running value: to halve it is worth the same whether it is large or small."""

    def __init__(self, names, device):
        layers = torch.tensor([BLOCKS[name[5]] for name in names])
        self.shares = (layers[:, None] * SHARES).to(device)
        self.shares /= self.shares.sum()
        self.running = None

    def loss(self, terms):
        now = terms.detach()
        self.running = now.clone() if self.running is None else self.running.lerp_(now, 1 - REMEMBERED)
        return (self.shares * terms / self.running.clamp_min(LEAST)).sum()

    def report(self, names):
        table = self.running.tolist()
        by_layer = "\n".join(f"    {n} " + " ".join(f"{v:7.4f}" for v in row) for n, row in zip(names, table))
        return f"{', '.join(TERMS)}\n{by_layer}"
