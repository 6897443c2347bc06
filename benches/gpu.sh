#!/usr/bin/env bash
# A whole step on this machine's graphics card: nst, and PyTorch on the same card where python3 has it.
# Prints a Markdown table, and after it the kernels of nst at each size.
#
#   benches/gpu.sh [SIZE ...]        # 256 512 1024 2048 without any
#
# NST names the binary, target/release/nst without it; PYTHON the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
sizes=("$@")
[ $# -gt 0 ] || sizes=(256 512 1024 2048)
nst=${NST:-target/release/nst} python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for size in "${sizes[@]}"; do
    "$nst" bench --backend gpu --size "$size" -n 10 --json >"$work/nst-$size"
    if "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        "$python" benches/peer.py "$size" >"$work/peer-$size"
    fi
done
"$python" - "$work" "${sizes[@]}" <<'TABLE'
import json, pathlib, sys
work, sizes = pathlib.Path(sys.argv[1]), sys.argv[2:]
print("| px | nst, ms a step | first, s | launches | MiB reserved | gradient off | PyTorch f32 | TF32 | bf16, ms |")
print("|---|---|---|---|---|---|---|---|---|")
reports = {size: json.loads((work / f"nst-{size}").read_text()) for size in sizes}
for size, found in reports.items():
    peer = work / f"peer-{size}"
    lines = peer.read_text().splitlines() if peer.exists() else []
    others = [f"{1000 * json.loads(line)['median_seconds']:.2f}" for line in lines] or ["-"] * 3
    row = [size, f"{1000 * found['median_seconds']:.2f}", f"{found['first_seconds']:.2f}", found["launches"],
           f"{found['reserved_mib']:.0f}", f"{found['gradient_off']:.0e}", *others]
    print("| " + " | ".join(map(str, row)) + " |")
print("\n" + next(iter(reports.values()))["adapter"])
for size, found in reports.items():
    kernels = ", ".join(f"{k['name']} {k['launches']} x, {1000 * k['seconds']:.2f} ms" for k in found["kernels"][:8])
    print(f"\n{size} px: {kernels}")
TABLE
