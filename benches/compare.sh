#!/usr/bin/env bash
# One whole step (forward, losses, gradient to the pixels, Adam): nst against PyTorch, run alternately
# on this machine with as many threads. Prints a Markdown table: medians of a round's steps and of the
# rounds, their ratio, and the peak RSS of both processes.
#
#   benches/compare.sh [ROUNDS] [CASE ...]
#
# A case is MODEL:SIZE:THREADS:ISA, ISA as in NST_ISA or `best`; without any, the README's.
# Needs python3 and ../shared/reference/reference.py; installs PyTorch into a throw-away environment
# unless PYTHON names an interpreter that has it. BEFORE is put before both commands, such as
# `chrt -f 1` on a machine that others use.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
shift $(($# < 1 ? $# : 1))
cases=("$@")
[ $# -gt 0 ] || cases=(
    vgg19:256:2:best vgg19:512:2:best vgg19:1024:2:best
    vgg16:512:2:best vgg19:512:1:best vgg19:512:2:avx2
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reference=../shared/reference/reference.py
if [ -z "${PYTHON:-}" ]; then
    python3 -m venv "$work/venv"
    PYTHON=$work/venv/bin/python
    "$PYTHON" -m pip install -q torch numpy pillow safetensors
fi
nst=${NST:-}
if [ -z "$nst" ]; then
    cargo build --release --locked
    nst=${CARGO_TARGET_DIR:-target}/release/nst
fi

for round in $(seq "$rounds"); do
    for case in "${cases[@]}"; do
        IFS=: read -r model size threads isa <<<"$case"
        NST_ISA=${isa/best/} ${BEFORE:-} "$nst" bench --model "$model" --size "$size" --steps 6 \
            --threads "$threads" --json >"$work/nst-$case-$round"
        ${BEFORE:-} "$PYTHON" "$reference" speed --model "$model" --size "$size" --steps 5 \
            --threads "$threads" >"$work/torch-$case-$round"
    done
done

python3 - "$work" "$rounds" "${cases[@]}" <<'PY'
import json, pathlib, statistics, sys
work, rounds, cases = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
def read(side, case, k):
    return json.loads((work / f"{side}-{case}-{k}").read_text())
def median(side, case, name):
    return statistics.median(read(side, case, k)[name] for k in range(1, rounds + 1))
print("| network, size | threads | instructions | nst, s/step | PyTorch, s/step | times faster "
      "| nst peak RSS | PyTorch peak RSS | share |")
print("|---|---|---|---|---|---|---|---|---|")
for case in cases:
    model, size, threads, _ = case.split(":")
    isa = read("nst", case, 1)["isa"]
    a, b = median("nst", case, "median_seconds"), median("torch", case, "median_s_per_step")
    m, n = median("nst", case, "peak_rss_mib"), median("torch", case, "peak_rss_mb")
    print(f"| {model}, {size} px | {threads} | {isa} | {a:.3f} | {b:.3f} | {b / a:.1f} "
          f"| {m:.0f} MiB | {n:.0f} MiB | {m / n:.2f} |")
PY
