#!/usr/bin/env bash
# The total loss that each way of optimising reaches at equal wall time, at the last scale.
#
#     benches/convergence.sh CONTENT STYLE [SIZE] [SECONDS...]
#
# Runs one after another on the CPU backend with ImageNet's VGG19 and prints a table. Time counts
# from the first step, over all scales. Totals are those of the current picture, not of the average.
set -euo pipefail
cd "$(dirname "$0")/.."
content=$1 style=$2 size=${3:-256}
shift $(($# < 3 ? $# : 3))
times=("${@:-10}")
[ $# -gt 0 ] || times=(10 20 30)
nst=${NST:-${CARGO_TARGET_DIR:-target}/release/nst}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # name, flags...
    local name=$1
    shift
    "$nst" -c "$content" -s "$style" --size "$size" --weights imagenet --quiet --json \
        -o "$work/$name.png" "$@" >"$work/$name.json"
}
run "Adam, one scale" --scales 1 --steps 400 --optimizer adam
run "L-BFGS, one scale" --scales 1 --steps 400
run "Adam, scales" --steps 300 --steps-per-scale 60 --min-size 128 --optimizer adam
run "L-BFGS, scales" --steps 300 --steps-per-scale 60 --min-size 128

python3 - "$work" "${times[@]}" <<'PYTHON'
import json, pathlib, sys
work, times = pathlib.Path(sys.argv[1]), [float(t) for t in sys.argv[2:]]
print("| way | " + " | ".join(f"after {t:g} s" for t in times) + " | last | s/step |")
print("|---" * (len(times) + 3) + "|")
for path in sorted(work.glob("*.json")):
    steps = [line for line in map(json.loads, path.open()) if line["event"] == "step"]
    last, passed, best = steps[-1]["scale"], 0.0, {}
    for step in steps:
        passed += step["seconds"]
        if step["scale"] == last:
            for t in times:
                if passed <= t:
                    best[t] = min(best.get(t, float("inf")), step["total"])
    fine = [step for step in steps if step["scale"] == last]
    cells = [f"{best[t]:.3f}" if t in best else "not there yet" for t in times]
    seconds = sorted(step["seconds"] for step in fine)[len(fine) // 2]
    print(f"| {path.stem} | " + " | ".join(cells) + f" | {fine[-1]['total']:.3f} | {seconds:.3f} |")
PYTHON
