#!/usr/bin/env bash
# What a large picture takes: peak RSS against the prediction, and seconds per step and megapixel, in
# the tiles that a bound of memory leaves. Prints a Markdown table.
#
#   benches/large.sh [CASE ...]
#
# A case is SIZE:MEMORY:STEPS, of a square of SIZE px, MEMORY as in --max-memory, or `whole` for no bound. The last step counts,
# so that reading and measuring the painting do not. NST names a binary, BEFORE is put before it, such
# as `chrt -f 1` on a machine that others use.
set -euo pipefail
cd "$(dirname "$0")/.."
cases=("$@")
[ $# -gt 0 ] || cases=(
    1024:whole:3 2048:whole:2 2048:2GB:2 4096:4GB:2 4096:8GB:2 8192:16GB:1 8192:20GB:1
)
nst=${NST:-}
if [ -z "$nst" ]; then
    cargo build --release --locked
    nst=${CARGO_TARGET_DIR:-target}/release/nst
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "| size | bound | tiles | predicted, MiB | peak RSS, MiB | s/step | s/step/MP |"
echo "|---|---|---|---|---|---|---|"
for case in "${cases[@]}"; do
    IFS=: read -r size memory steps <<<"$case"
    flags=(assets/content/harbour.jpg assets/style/swirl.jpg --weights builtin --size "${size}x$size"
        --style-size 1024 --scales 1 --optimizer adam --steps "$steps")
    [ "$memory" = whole ] || flags+=(--max-memory "$memory")
    "$nst" plan "${flags[@]}" 2>/dev/null >"$work/plan"
    ${BEFORE:-} python3 - "$work" "$nst" "${flags[@]}" -o "$work/out.png" --json --quiet \
        --overwrite <<'PY'
import json, pathlib, resource, subprocess, sys
work, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
step = [json.loads(line) for line in lines if '"step"' in line][-1]
done = json.loads(lines[-1])
plan = dict(line.split(":", 1) for line in (work / "plan").read_text().splitlines() if ":" in line)
tiles = plan.get("tiles", "as a whole").split(":")[0].strip()
number, unit = plan["memory"].split(" of ")[0].replace("about", "").split()
predicted = float(number) * (1024 if unit == "GiB" else 1)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
megapixels = done["width"] * done["height"] / 1e6
size, bound = f"{done['width']}x{done['height']}", [f for f in command if f.endswith("B")]
print(f"| {size} | {bound[0] if bound else 'none'} | {tiles} | {predicted:.0f} | {peak:.0f} "
      f"| {step['seconds']:.1f} | {step['seconds'] / megapixels:.2f} |", flush=True)
PY
done
