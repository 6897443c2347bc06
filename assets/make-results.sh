#!/usr/bin/env bash
# Makes every picture in assets/results again. Needs ImageNet's VGG19 weights where nst finds them
# (weights/README.md) and ImageMagick's `convert` for putting pictures side by side.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked
out=assets/results
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

paint() { # photo style beta result
    "${CARGO_TARGET_DIR:-target}/release/nst" --content "assets/content/$1.jpg" --style "assets/style/$2.jpg" --beta "$3" \
        --weights imagenet --size 512 --steps 200 --overwrite --quiet -o "$work/$4.png"
}

paint harbour swirl 30 harbour-swirl
convert \( assets/content/harbour.jpg -resize x360 \) \( assets/style/swirl.jpg -resize x360 \) \
    \( "$work/harbour-swirl.png" -resize x360 \) -background white +smush 6 \
    -quality 88 "$out/before-style-after.jpg"

for style in ink mosaic swirl woodcut; do
    paint valley "$style" 30 "valley-$style"
    convert "$work/valley-$style.png" -quality 88 "$out/valley-$style.jpg"
done
