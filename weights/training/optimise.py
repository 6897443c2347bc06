"""Updates of the weights: Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon), and Adam.

Either moves a layer's weights by a share of their own size, the rate, so that one rate suits every layer.
"""

import torch

QUINTIC = (3.4445, -4.7750, 2.0315)  # Muon's: all singular values to 0.7 .. 1.2 in five steps


def polar(m, swift, exact):
    """The orthogonal factor of matrices, by Newton-Schulz: `swift` quintic steps, then `exact` cubic ones."""
    tall = m.shape[-2] > m.shape[-1]
    x = m.transpose(-1, -2) if tall else m
    x = x / x.norm(dim=(-1, -2), keepdim=True).clamp_min(1e-20)
    for a, b, c in [QUINTIC] * swift + [(1.5, -0.5, 0.0)] * exact:
        gram = x @ x.transpose(-1, -2)
        x = a * x + (b * gram + c * (gram @ gram) if c else b * gram) @ x
    return x.transpose(-1, -2) if tall else x


class Optimiser:
    """Momentum orthogonalised layer by layer (muon) or Adam for weights, Adam for biases."""

    def __init__(self, params, kind):
        self.params, self.kind, self.step_count = params, kind, 0
        self.first = {k: torch.zeros_like(v) for k, v in params.items()}
        self.second = {k: torch.zeros_like(v) for k, v in params.items()}
        shapes = {}
        for key, value in params.items():
            if value.dim() > 1:
                shapes.setdefault(value.flatten(1).shape, []).append(key)
        self.groups = list(shapes.values())

    @torch.no_grad()
    def step(self, rate, bias_rate):
        self.step_count += 1
        by_adam = [k for k, v in self.params.items() if v.dim() == 1]
        if self.kind == "muon":
            for group in self.groups:
                self.muon(group, rate)
        else:
            by_adam += [key for group in self.groups for key in group]
        for key in by_adam:
            value, change = self.params[key], self.adam(key)
            if value.dim() == 1:
                value.sub_(bias_rate * change)
            else:
                self.move(key, change, rate / value.numel() ** 0.5)
        for value in self.params.values():
            value.grad = None

    def muon(self, group, rate, momentum=0.95):
        ways = []
        for key in group:
            gradient = self.params[key].grad
            kept = self.first[key].lerp_(gradient, 1 - momentum)
            ways.append(gradient.lerp(kept, momentum).flatten(1))
        on_gpu = ways[0].is_cuda
        ways = torch.stack(ways)
        ways = polar(ways.bfloat16() if on_gpu else ways, swift=5, exact=0).float()
        for key, way in zip(group, ways):
            self.move(key, way.view_as(self.params[key]), rate / way.norm().clamp_min(1e-20))

    def move(self, key, way, share):
        value = self.params[key]
        value.sub_(way * (share * value.norm()))

    def adam(self, key, betas=(0.9, 0.98)):
        gradient = self.params[key].grad
        m = self.first[key].lerp_(gradient, 1 - betas[0])
        v = self.second[key].lerp_(gradient.square(), 1 - betas[1])
        m, v = m / (1 - betas[0] ** self.step_count), v / (1 - betas[1] ** self.step_count)
        return m / (v.sqrt() + 1e-12)
