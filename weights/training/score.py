"""The score that counts: pairs painted with a network, judged by the teacher, in seconds on a GPU."""

import torch
from judge import fine_chroma
from network import features, open_picture
from painting import losses, paint, targets

PAIRS = (("tubingen", "starry_night"), ("harbour", "swirl"), ("harbour", "woodcut"), ("valley", "shipwreck"))


class Score:
    """The first four pairs of README's table at 256 px, 120 steps at 0.02, beta 30."""

    def __init__(self, folder, teacher, device, longest=256, steps=120):
        self.teacher, self.steps = teacher, steps
        contents, styles = ([open_picture(f"{folder}/{pair[i]}.png", longest).to(device) for pair in PAIRS] for i in (0, 1))
        self.content, self.styles = torch.cat(contents), styles
        self.judged = targets(self.content, self.styles, teacher)

    def of(self, weights, see=features):
        """What the pairs painted with `weights` come to, and the pictures."""
        with torch.backends.cudnn.flags(benchmark=False, allow_tf32=True):
            wanted = targets(self.content, self.styles, weights, see)
            for painted in paint(self.content, wanted, weights, 30, self.steps, see=see):
                pass
        with torch.no_grad():
            content, layers = losses(painted, self.judged, self.teacher)
        chroma = [fine_chroma(x[None].cpu()) for x in painted]
        return content.tolist(), layers.mean(0).tolist(), layers.mean(1).tolist(), chroma, painted

    def say(self, name, weights, see=features):
        content, style, layers, chroma, painted = self.of(weights, see)
        pairs = "  ".join(f"{c:.2f}/{s:.3f}" for c, s in zip(content, style))
        blocks = " ".join(f"{v:.3f}" for v in layers)
        colours = " ".join(f"{100 * v:.1f}" for v in chroma)
        mean = sum(style) / len(style)
        print(f"{name}: {pairs}  mean style {mean:.4f}  blocks {blocks}  chroma {colours}", flush=True)
        return mean, painted
