#!/usr/bin/env bash
# One whole step of VGG19 (forward, losses, gradient to the pixels, Adam): nst against PyTorch, run
# alternately on this machine with as many threads. Prints a Markdown table of medians, their ratio,
# and the peak RSS of both processes.
#
#   benches/compare.sh [ROUNDS] [THREADS] [SIZE ...]
#
# Needs python3, ImageMagick's `convert`, GNU time and ../shared/reference/reference.py; installs
# PyTorch into a throw-away environment unless PYTHON names an interpreter that has it.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} threads=${2:-2}
shift $(($# < 2 ? $# : 2))
sizes=("$@")
[ $# -gt 0 ] || sizes=(256 512 1024)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reference=../shared/reference/reference.py
if [ -z "${PYTHON:-}" ]; then
    python3 -m venv "$work/venv"
    PYTHON=$work/venv/bin/python
    "$PYTHON" -m pip install -q torch numpy pillow safetensors
fi
cargo build --release --locked
nst=${CARGO_TARGET_DIR:-target}/release/nst

for size in "${sizes[@]}"; do
    for name in content/harbour style/swirl; do
        convert "assets/$name.jpg" -resize "${size}x${size}!" "$work/$(basename $name)-$size.png"
    done
done
for round in $(seq "$rounds"); do
    for size in "${sizes[@]}"; do
        /usr/bin/time -f '{"rss": %M}' -o "$work/nst-$size-$round.rss" \
            "$nst" -c "$work/harbour-$size.png" -s "$work/swirl-$size.png" --size "$size" --steps 7 \
            --weights builtin --threads "$threads" --quiet --json --overwrite -o "$work/out.png" \
            >"$work/nst-$size-$round.json"
        "$PYTHON" "$reference" speed --size "$size" --steps 5 --threads "$threads" \
            >"$work/torch-$size-$round.json"
    done
done

python3 - "$work" "$rounds" "${sizes[@]}" <<'PY'
import json, pathlib, statistics, sys
work, rounds, sizes = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
lines = lambda p: [json.loads(line) for line in p.read_text().splitlines()]
print("| size | nst, s/step | PyTorch, s/step | times faster | nst peak RSS | PyTorch peak RSS | share |")
print("|---|---|---|---|---|---|---|")
for size in sizes:
    ours, theirs, rss, their_rss = [], [], [], []
    for k in range(1, rounds + 1):
        steps = [l["seconds"] for l in lines(work / f"nst-{size}-{k}.json") if l["event"] == "step"]
        ours.append(statistics.median(steps))
        rss.append(lines(work / f"nst-{size}-{k}.rss")[0]["rss"] / 1024)
        peer = lines(work / f"torch-{size}-{k}.json")[0]
        theirs.append(peer["median_s_per_step"]); their_rss.append(peer["peak_rss_mb"])
    a, b, m, n = map(statistics.median, (ours, theirs, rss, their_rss))
    print(f"| {size} px | {a:.3f} | {b:.3f} | {b / a:.1f} | {m:.0f} MiB | {n:.0f} MiB | {m / n:.2f} |")
PY
