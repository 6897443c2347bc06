"""Training: Tiny ImageNet packed, a VGG with batch norm, and its export."""

import copy
import json
import math
import os
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from network import CHANNELS, MEAN, layers, read, write
from PIL import Image
from torch import nn

STD = 70.0  # training divides by it; export folds it into the first layer
CLASSES = 200
DEEPEST = ("block5_conv1", "block5_conv2")


def pack(root, out):
    """Tiny ImageNet as four arrays: x, y (100,000 of 64x64x3, label), vx, vy (10,000)."""
    root, out = pathlib.Path(root), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    ids = (root / "wnids.txt").read_text().split()
    label = {wnid: k for k, wnid in enumerate(ids)}
    train = [(p, label[w]) for w in ids for p in sorted((root / "train" / w / "images").iterdir())]
    rows = (root / "val" / "val_annotations.txt").read_text().splitlines()
    val = [(root / "val" / "images" / row.split("\t")[0], label[row.split("\t")[1]]) for row in rows]
    for prefix, pairs in (("", train), ("v", val)):
        pixels = [np.asarray(Image.open(path).convert("RGB")) for path, _ in pairs]
        np.save(out / f"{prefix}x.npy", np.stack(pixels))
        np.save(out / f"{prefix}y.npy", np.array([k for _, k in pairs]))


def head():
    """A classifier of 512 pooled features; dropped on export."""
    return nn.Sequential(nn.BatchNorm1d(512, affine=False, momentum=0.02), nn.Linear(512, CLASSES))


class Vgg(nn.Module):
    """VGG convolutions with batch norm, a head after CONTENT and one after block 4."""

    def __init__(self, model):
        super().__init__()
        self.model, self.conv, self.norm, fan = model, nn.ModuleDict(), nn.ModuleDict(), 3
        for name, block, _ in layers(model):
            channels = CHANNELS[block - 1]
            self.conv[name] = nn.Conv2d(fan, channels, 3, padding=1, bias=False)
            self.norm[name] = nn.BatchNorm2d(channels, momentum=0.02)
            nn.init.kaiming_normal_(self.conv[name].weight, nonlinearity="relu")
            fan = channels
        self.late, self.early = head(), head()

    def forward(self, x):
        """Pooled features of CONTENT and of block 4; `deepest` keeps the maps of DEEPEST."""
        early, self.deepest = None, []
        for name, block, last in layers(self.model):
            x = F.relu(self.norm[name](self.conv[name](x)))
            if name in DEEPEST:
                self.deepest.append(x)
            if last:
                early = x.mean((2, 3)) if block == 4 else early
                x = F.max_pool2d(x, 2)
        return (x.amax((2, 3)) + x.mean((2, 3))) / 2, early

    @torch.no_grad()
    def start_from(self, weights, x, active):
        """Takes folded weights and puts batch norm back, with its statistics measured on x.

        Filters get unit norm. The function on x stays the same, except that a share `active` of
        each channel of DEEPEST stays above zero, at the layer's energy (0: as it is).
        """
        for name, _, last in layers(self.model):
            kernel, bias, norm = weights[f"{name}.weight"].clone(), weights[f"{name}.bias"], self.norm[name]
            if name == "block1_conv1":
                kernel *= STD
            z, shift, gain = F.conv2d(x, kernel, padding=1), bias, 1.0
            if active and name in DEEPEST:
                shift = -torch.quantile(z.transpose(0, 1).flatten(1), 1 - active, dim=1)
                gain = (F.relu(z + column(bias)).norm() / F.relu(z + column(shift)).norm()).item()
            mean, var = z.mean((0, 2, 3)), z.var((0, 2, 3)).clamp_min(1e-8)
            length = kernel.flatten(1).norm(dim=1).clamp_min(1e-6)
            self.conv[name].weight.copy_(kernel / length[:, None, None, None])
            norm.running_mean.copy_(mean / length)
            norm.running_var.copy_(var / length**2)
            norm.weight.copy_(torch.sqrt(var / length**2 + norm.eps) * length * gain)
            norm.bias.copy_((shift + mean) * gain)
            x = F.relu(z + column(shift)) * gain
            x = F.max_pool2d(x, 2) if last else x


def column(values):
    """One value a channel, to add to a map."""
    return values.view(1, -1, 1, 1)


def log_rank(maps):
    """Log of the effective rank, tr(G)^2 / tr(G^2), of each picture's Gram matrix G."""
    flat = maps.float().flatten(2)
    products = flat.transpose(1, 2) @ flat  # of positions: the same eigenvalues as G, and smaller
    trace = products.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-6)
    return torch.log(trace.square() / products.square().sum((1, 2)).clamp_min(1e-12))


def crops(pictures, index, size, smallest, generator):
    """Random crops (area `smallest` to 1, aspect 0.82 to 1.22, mirrored half of the time) at `size`.

    Colours stay as they are: the palette is part of a style.
    """
    x, n = torch.from_numpy(pictures[index.numpy()]).permute(0, 3, 1, 2).float(), len(index)
    uniform = lambda: torch.rand(n, generator=generator)
    side, aspect = torch.sqrt(smallest + (1 - smallest) * uniform()), torch.exp(0.4 * (uniform() - 0.5))
    width, height = (side * aspect.sqrt()).clamp(max=1), (side / aspect.sqrt()).clamp(max=1)
    mirror, zero = (uniform() < 0.5).float() * 2 - 1, torch.zeros(n)
    right, down = (2 * uniform() - 1) * (1 - width), (2 * uniform() - 1) * (1 - height)
    rows = (torch.stack([width * mirror, zero, right], 1), torch.stack([zero, height, down], 1))
    grid = F.affine_grid(torch.stack(rows, 1), (n, 3, size, size), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    return ((x - MEAN) / STD).contiguous(memory_format=torch.channels_last)


class Training:
    """One run: data, network, its moving average, and the schedule in steps."""

    def __init__(self, args):
        self.args, self.generator = args, torch.Generator().manual_seed(args.seed)
        torch.manual_seed(args.seed)
        data = pathlib.Path(args.data)
        self.x, self.y = np.load(data / "x.npy", mmap_mode="r"), torch.from_numpy(np.load(data / "y.npy"))
        self.vx, self.vy = np.load(data / "vx.npy", mmap_mode="r"), torch.from_numpy(np.load(data / "vy.npy"))
        self.order, self.size = torch.empty(0, dtype=torch.long), args.size
        self.net = Vgg(args.model).to(memory_format=torch.channels_last)
        if args.start:
            self.net.start_from(read(args.start)[1], self.batch(192)[0], args.active)
        self.net.to(args.device)
        self.heads = [p for m in (self.net.late, self.net.early) for p in m.parameters()]

    def batch(self, count):
        args = self.args
        if len(self.order) < count:
            self.order = torch.randperm(len(self.x), generator=self.generator)
        index, self.order = self.order[:count], self.order[count:]
        x = crops(self.x, index, self.size, args.smallest_crop, self.generator)
        if args.noise:
            strength = args.noise * 255 / STD * torch.rand((count, 1, 1, 1), generator=self.generator)
            x += strength * torch.randn(x.shape, generator=self.generator)
        return x.to(args.device), self.y[index].to(args.device)

    def loss(self, x, y, train_body=True):
        with torch.autocast(x.device.type, dtype=torch.bfloat16), torch.set_grad_enabled(train_body):
            late, early = self.net(x)
        scores = self.net.late(late.float())
        loss = F.cross_entropy(scores, y, label_smoothing=0.05)
        loss = loss + 0.3 * F.cross_entropy(self.net.early(early.float()), y, label_smoothing=0.05)
        ranks = [log_rank(maps) for maps in self.net.deepest]
        if self.args.rank:
            loss = loss + 0.3 * sum(F.relu(math.log(self.args.rank) - rank).mean() for rank in ranks)
        accuracy = (scores.argmax(1) == y).float().mean().item()
        return loss, (loss.item(), accuracy, *(rank.mean().exp().item() for rank in ranks))

    def fit_heads(self):
        """New heads learn first, while the body stays as it is."""
        self.net.eval()
        self.net.late.train(), self.net.early.train()
        adam = torch.optim.Adam(self.heads, lr=3e-3)
        for _ in range(self.args.head_steps):
            loss, _ = self.loss(*self.batch(self.args.batch), train_body=False)
            adam.zero_grad()
            loss.backward()
            adam.step()

    def rate(self, step):
        """Rises over 100 steps, stays, and falls to zero over the last `cooldown` steps."""
        left = (self.args.steps - step) / max(1, self.args.cooldown)
        return self.args.lr * min(1, (step + 1) / 100, left)

    def run(self):
        args, net, start = self.args, self.net, time.process_time()
        if args.head_steps:
            self.fit_heads()
        frozen = [n for n, block, _ in layers(args.model) if block <= args.freeze]
        for name in frozen:
            net.conv[name].requires_grad_(False), net.norm[name].requires_grad_(False)
        body = [p for n, p in net.named_parameters() if n.startswith(("conv", "norm")) and p.requires_grad]
        groups = [
            {"params": [p for p in body if p.ndim > 1], "weight_decay": 5e-4},
            {"params": [p for p in body if p.ndim <= 1]},
            {"params": self.heads, "weight_decay": 5e-4},
        ]
        sgd = torch.optim.SGD(groups, lr=args.lr, momentum=0.9, nesterov=True)
        self.average, seen = copy.deepcopy(net), []
        net.train()
        for name in frozen:
            net.norm[name].eval()
        for step in range(args.steps):
            large = step >= args.steps - args.large_steps
            self.size, batch = (args.large, args.large_batch) if large else (args.size, args.batch)
            for group, factor in zip(sgd.param_groups, (1, 1, 3)):
                group["lr"] = factor * self.rate(step)
            loss, notes = self.loss(*self.batch(batch))
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            self.follow(1 - min(args.average, (step + 1) / (step + 10)))
            seen.append(notes)
            if (step + 1) % args.log == 0:
                mean = [sum(column) / len(seen) for column in zip(*seen)]
                columns = "loss {:.3f}  accuracy {:.3f}  ranks {:.1f} {:.1f}".format(*mean)
                print(f"step {step + 1}  {columns}  {time.process_time() - start:.0f} CPU s", flush=True)
                seen = []
                self.save()
        self.save()
        print(json.dumps({"validation_top1": self.validate()}))

    @torch.no_grad()
    def follow(self, share):
        for kept, now in zip(self.average.state_dict().values(), self.net.state_dict().values()):
            if kept.is_floating_point():
                kept.lerp_(now, share)

    def save(self):
        partial = f"{self.args.checkpoint}.partial"
        torch.save({"model": self.args.model, "state": self.average.state_dict()}, partial)
        os.replace(partial, self.args.checkpoint)

    @torch.no_grad()
    def validate(self):
        self.average.eval()
        hits = 0
        for i in range(0, len(self.vx), 250):
            x = (torch.from_numpy(np.array(self.vx[i : i + 250])).permute(0, 3, 1, 2).float() - MEAN) / STD
            scores = self.average.late(self.average(x.to(self.args.device))[0])
            hits += (scores.argmax(1).cpu() == self.vy[i : i + 250]).sum().item()
        return hits / len(self.vx)


def export(checkpoint, dst, note):
    """Folds batch norm and the training's scaling into the convolutions."""
    saved = torch.load(checkpoint, map_location="cpu")
    net, weights = Vgg(saved["model"]), {}
    net.load_state_dict(saved["state"])
    for name, _, _ in layers(saved["model"]):
        norm = net.norm[name]
        scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        kernel = net.conv[name].weight.detach() * scale.view(-1, 1, 1, 1)
        weights[f"{name}.weight"] = kernel / STD if name == "block1_conv1" else kernel
        weights[f"{name}.bias"] = norm.bias.detach() - norm.running_mean * scale
    write(dst, saved["model"], weights, note)
