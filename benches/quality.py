"""The tables of quality.sh: python3 quality.py FOLDER/SIZE TIMED_PAIR WAY ..."""
import json, pathlib, statistics, sys

folder, timed, ways = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
MARKS = (100, 300, 1000)


def steps(path):
    """Of a run, none if it is not there."""
    lines = path.open() if path.exists() else []
    return [e for e in map(json.loads, lines) if e["event"] == "step"]


def judged(step):
    return step["content"] + 30 * step["style"]


def seconds(way):
    """Of a step at each scale, measured on a quiet machine."""
    found = {}
    for step in steps(folder / timed / f"time-{way}.json"):
        found.setdefault(step["scale"], []).append(step["seconds"])
    return {scale: statistics.median(times) for scale, times in found.items()}


def first_below(run, target):
    """Steps of each scale until the last one is below the target."""
    count = {}
    for step in run:
        count[step["scale"]] = step["step"]
        if step["scale"] == run[-1]["scale"] and judged(step) <= target:
            return count
    return None


path = folder / "pytorch.json"
reference = json.loads(path.read_text())["median_s_per_step"] if path.exists() else None
speeds = {way: seconds(way) for way in ways}
for way, speed in speeds.items():
    print(f"{way}: s/step by scale {speed}")
print(f"PyTorch: {reference} s/step\n")
print("| pair, at " + folder.name + " px | textbook's total " + " | ".join(f"after {m}" for m in MARKS)
      + "".join(f" | {way}: total at its end, s | " + " | ".join(f"s to that of {m} (share)" for m in MARKS)
                for way in ways) + " |")
print("|---" * (len(MARKS) + 1 + len(ways) * (1 + len(MARKS))) + "|")
for pair in sorted(p.name for p in folder.iterdir() if (p / "textbook.json").exists()):
    textbook = steps(folder / pair / "textbook.json")
    targets = [min(map(judged, textbook[:m])) if len(textbook) >= m else None for m in MARKS]
    cells = [pair.replace(":", " after ")] + [f"{t:.3f}" if t else "" for t in targets]
    for way in ways:
        run, speed = steps(folder / pair / f"{way}.json"), speeds[way]
        if not run:
            cells += ["not painted"] + [""] * len(MARKS)
            continue

        def cost(count):
            return sum(n * speed.get(scale, float("nan")) for scale, n in count.items())

        end = [s for s in run if s["scale"] == run[-1]["scale"]]
        best = min(map(judged, end))
        cells.append(f"{best:.3f}, {cost(first_below(run, best)):.1f}")
        for mark, target in zip(MARKS, targets):
            count = target and first_below(run, target)
            cells.append("" if not target else "not reached" if not count else
                         f"{cost(count):.1f} ({cost(count) / (mark * (reference or float('nan'))):.2f})")
    print("| " + " | ".join(cells) + " |")
