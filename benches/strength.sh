#!/usr/bin/env bash
# Does one --beta mean one strength? Paints the same pair with the same beta at several sizes, with
# both networks and both poolings, and prints a Markdown table of the losses reached. The share of
# style in the total over that of content is the strength: it should be about the same everywhere.
#
#   benches/strength.sh [STEPS] [BETA] [SIZE ...]
#
# NETWORKS="vgg19:max vgg16:avg" and LOSSES="gram" narrow it down; WEIGHTS names others than the
# built-in ones. Needs python3.
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-60} beta=${2:-30}
shift $(($# < 2 ? $# : 2))
sizes=("$@")
[ $# -gt 0 ] || sizes=(256 512 1024)
read -ra networks <<<"${NETWORKS:-vgg19:max vgg19:avg vgg16:max vgg16:avg}"
read -ra losses <<<"${LOSSES:-gram wasserstein}"

cargo build --release --locked
nst=${CARGO_TARGET_DIR:-target}/release/nst
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One line of the table: the mean of the last five steps, which leaves out Adam's jitter.
row() {
    python3 -c '
import json, statistics, sys
steps = [line for line in map(json.loads, open(sys.argv[1])) if line["event"] == "step"]
content, style = (statistics.mean(s[name] for s in steps[-5:]) for name in ("content", "style"))
seconds = statistics.median(s["seconds"] for s in steps)
share = float(sys.argv[5]) * style / content
print("| {} | {} | {} px | {:.3f} | {:.4f} | {:.2f} | {:.2f} |".format(
    *sys.argv[2:5], content, style, share, seconds))' "$@"
}

echo "| style loss | network | size | content | style | beta * style / content | s/step |"
echo "|---|---|---|---|---|---|---|"
for loss in "${losses[@]}"; do
    for network in "${networks[@]}"; do
        for size in "${sizes[@]}"; do
            "$nst" -c assets/content/harbour.jpg -s assets/style/swirl.jpg -o "$work/out.png" \
                --overwrite --weights "${WEIGHTS:-builtin}" --model "${network%:*}" --pool "${network#*:}" \
                --optimizer adam --style-loss "$loss" --beta "$beta" --size "$size" --scales 1 --steps "$steps" \
                --quiet --json >"$work/run.json"
            row "$work/run.json" "$loss" "${network%:*}, ${network#*:}" "$size" "$beta"
        done
    done
done
