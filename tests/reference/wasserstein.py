"""The numbers in src/loss/wasserstein/tests.rs: `python tests/reference/wasserstein.py` with PyTorch.

In float64, by the eigenvalues of the product and PyTorch's own gradients, which is not how the
library does it.
"""

import torch

torch.set_default_dtype(torch.float64)


def features(channels, positions, phase):
    """Rectified waves: the same numbers in Rust, without a file."""
    c = torch.arange(channels)[:, None] + 1.0
    p = torch.arange(positions)[None, :] + 1.0
    return torch.relu(torch.sin(phase * c * p + c) + 0.3 * torch.cos(p * phase) + 0.2)


def gaussian(f):
    mean = f.mean(1)
    second = f @ f.T / f.shape[1]
    return mean, second - torch.outer(mean, mean), second.trace()


def root(a):
    values, vectors = torch.linalg.eigh(a)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def distance(f, target, ridge):
    m1, c1, _ = gaussian(f)
    m2, c2, size = gaussian(target)
    ridge = ridge * size / len(m2) * torch.eye(len(m2))
    c1, c2 = c1 + ridge, c2 + ridge
    r = root(c2)
    eigenvalues = torch.linalg.eigvalsh(r @ c1 @ r).clamp(min=0)
    covariances = c1.trace() + c2.trace() - 2 * eigenvalues.sqrt().sum()
    return (m1 - m2).square().sum() + covariances


for channels, positions in [(6, 35), (12, 6)]:
    target = features(channels, 40, 0.61)
    f = features(channels, positions, 1.37).requires_grad_()
    with torch.no_grad():
        print(f"{channels} channels, {positions} positions, no ridge: {distance(f, target, 0.0):.9}")
    loss = distance(f, target, 1e-4)
    loss.backward()
    print(f"  ridge of 1e-4: {loss:.9}, target's size {gaussian(target)[2]:.9}")
    print("  gradient of the first six positions of channel 2:", [f"{v:.7}" for v in f.grad[1, :6]])
