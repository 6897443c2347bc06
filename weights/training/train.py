"""Training: Tiny ImageNet packed, a VGG with batch norm, and its export."""

import copy
import json
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
        """Pooled features of CONTENT and of block 4."""
        early = None
        for name, block, last in layers(self.model):
            x = F.relu(self.norm[name](self.conv[name](x)))
            if last:
                early = x.mean((2, 3)) if block == 4 else early
                x = F.max_pool2d(x, 2)
        return (x.amax((2, 3)) + x.mean((2, 3))) / 2, early

    @torch.no_grad()
    def start_from(self, weights, x):
        """Takes folded weights and puts batch norm back, with its statistics measured on x.

        Filters get unit norm; the function on x stays the same.
        """
        for name, _, last in layers(self.model):
            kernel, bias, norm = weights[f"{name}.weight"].clone(), weights[f"{name}.bias"], self.norm[name]
            if name == "block1_conv1":
                kernel *= STD
            z = F.conv2d(x, kernel, padding=1)
            mean, var = z.mean((0, 2, 3)), z.var((0, 2, 3)).clamp_min(1e-8)
            length = kernel.flatten(1).norm(dim=1).clamp_min(1e-6)
            self.conv[name].weight.copy_(kernel / length.view(-1, 1, 1, 1))
            norm.running_mean.copy_(mean / length)
            norm.running_var.copy_(var / length**2)
            norm.weight.copy_(torch.sqrt(var / length**2 + norm.eps) * length)
            norm.bias.copy_(bias + mean)
            x = F.relu(z + bias.view(1, -1, 1, 1))
            x = F.max_pool2d(x, 2) if last else x


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
        self.order = torch.empty(0, dtype=torch.long)
        self.net = Vgg(args.model).to(memory_format=torch.channels_last)
        if args.start:
            self.net.start_from(read(args.start)[1], self.batch(192)[0])
        self.net.to(args.device)
        self.heads = [p for m in (self.net.late, self.net.early) for p in m.parameters()]

    def batch(self, count):
        args = self.args
        if len(self.order) < count:
            self.order = torch.randperm(len(self.x), generator=self.generator)
        index, self.order = self.order[:count], self.order[count:]
        x = crops(self.x, index, args.size, args.smallest_crop, self.generator)
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
        return loss, (scores.argmax(1) == y).float().mean().item()

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
        frozen = "block1_conv1" if args.freeze_first else "none"
        for name, p in net.named_parameters():
            p.requires_grad_(frozen not in name)
        body = [p for n, p in net.named_parameters() if n.startswith(("conv", "norm")) and p.requires_grad]
        groups = [
            {"params": [p for p in body if p.ndim > 1], "weight_decay": 5e-4},
            {"params": [p for p in body if p.ndim <= 1]},
            {"params": self.heads, "weight_decay": 5e-4},
        ]
        sgd = torch.optim.SGD(groups, lr=args.lr, momentum=0.9, nesterov=True)
        self.average, seen = copy.deepcopy(net), []
        net.train()
        if args.freeze_first:
            net.norm[frozen].eval()
        for step in range(args.steps):
            for group, factor in zip(sgd.param_groups, (1, 1, 3)):
                group["lr"] = factor * self.rate(step)
            loss, accuracy = self.loss(*self.batch(args.batch))
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            self.follow(1 - min(args.average, (step + 1) / (step + 10)))
            seen.append((loss.item(), accuracy))
            if (step + 1) % args.log == 0:
                mean = [sum(column) / len(seen) for column in zip(*seen)]
                cpu = time.process_time() - start
                print(
                    f"step {step + 1}  loss {mean[0]:.3f}  accuracy {mean[1]:.3f}  {cpu:.0f} CPU s",
                    flush=True,
                )
                seen = []
                self.save()
        self.save()
        print(
            json.dumps({"validation_top1": self.validate(), "epochs": args.steps * args.batch / len(self.x)})
        )

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
