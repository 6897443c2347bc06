#!/usr/bin/env bash
# Does one --beta mean one strength? Paints a pair with several betas and prints, as a Markdown table, what
# is lost of the content: as a share of what the style alone leaves of it, which is what a strength
# should say whatever the size and the network.
#
#   benches/strength.sh [STEPS] [BETA ...]
#
# SIZES="256 512", NETWORKS="imagenet builtin" (or weights' files) and PAIRS="photo:painting ..." say where,
# FLAGS what else. NST is the binary, if it is not to be built. Needs python3.
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-60}
shift $(($# < 1 ? $# : 1))
betas=("$@")
[ $# -gt 0 ] || betas=(1.2 5 20 80)
read -ra sizes <<<"${SIZES:-256 512}"
read -ra networks <<<"${NETWORKS:-imagenet builtin}"
read -ra pairs <<<"${PAIRS:-harbour:swirl}"
read -ra flags <<<"${FLAGS:-}"

[ -n "${NST:-}" ] || cargo build --release --locked
nst=${NST:-${CARGO_TARGET_DIR:-target}/release/nst}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

paint() { # pair, network, size, flags...: prints the last content loss
    "$nst" -c "assets/content/${1%:*}.jpg" -s "assets/style/${1#*:}.jpg" -o "$work/out.png" --overwrite \
        --weights "$2" --size "$3" -n "$steps" "${flags[@]}" --quiet --json "${@:4}" |
        python3 -c '
import json, sys
print([step["content"] for step in map(json.loads, sys.stdin) if step["event"] == "step"][-1])'
}

printf '| pair, network, size | style alone |'
printf ' beta %s |' "${betas[@]}"
printf '\n|---|---|'
printf -- '---|%.0s' "${betas[@]}"
echo
for pair in "${pairs[@]}"; do
    for network in "${networks[@]}"; do
        for size in "${sizes[@]}"; do
            alone=$(paint "$pair" "$network" "$size" --alpha 0)
            printf '| %s, %s, %s px | %.2f |' "$pair" "$network" "$size" "$alone"
            for beta in "${betas[@]}"; do
                content=$(paint "$pair" "$network" "$size" --beta "$beta")
                python3 -c "print(f' {$content:.2f} ({$content / $alone:.2f}) |', end='')"
            done
            echo
        done
    done
done
