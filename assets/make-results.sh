#!/usr/bin/env bash
# Makes every picture in assets/results again, but for networks.jpg (weights/training/README.md).
# Needs ImageNet's VGG19 weights where nst finds them (weights/README.md) and ImageMagick's
# `convert` for putting pictures side by side.
#
#     assets/make-results.sh [FOLDER]    # keeps the pictures as painted, and what is there already
#
# With PRINT=1 also the picture of 4096 px, which takes an hour and 6 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -n "${NST:-}" ] || cargo build --release --locked
nst=${NST:-${CARGO_TARGET_DIR:-target}/release/nst}
out=assets/results
work=${1:-$(mktemp -d)}
mkdir -p "$out" "$work"
photo=assets/content style=assets/style

paint() { # result, flags...
    local result=$work/$1.png
    shift
    [ -e "$result" ] || "$nst" --weights "${network:-imagenet}" --quiet -o "$result" "$@"
}
show() { convert "$work/$1.png" -quality 88 "$out/$1.jpg"; }
row() { # result, pictures...
    local result=$out/$1.jpg
    shift
    convert "$@" -resize x300 -background white +smush 6 -quality 88 "$result"
}
painted() { for name in "$@"; do printf '%s\n' "$work/$name.png"; done; }

# What the README's first command does where there is no network.
network=builtin paint harbour-swirl -c $photo/harbour.jpg -s $style/swirl.jpg
row before-style-after $photo/harbour.jpg $style/swirl.jpg "$work/harbour-swirl.png"
for name in ink mosaic swirl woodcut; do
    paint "valley-$name" -c $photo/valley.jpg -s "$style/$name.jpg"
    show "valley-$name"
done

# Presets, colours, two paintings at once.
small=(--size 384)
for name in fast balanced best; do
    paint "preset-$name" -c $photo/harbour.jpg -s $style/woodcut.jpg --preset "$name" "${small[@]}"
done
mapfile -t presets < <(painted preset-fast preset-balanced preset-best)
row presets "${presets[@]}"
for name in style content match; do
    paint "color-$name" -c $photo/harbour.jpg -s $style/swirl.jpg --color "$name" "${small[@]}"
done
mapfile -t colours < <(painted color-style color-content color-match)
row colours "${colours[@]}"
paint mixed -c $photo/valley.jpg -s $style/swirl.jpg:1 -s $style/woodcut.jpg:1 "${small[@]}"

# The sky and the mountains after one painting, the lake after another.
convert -size 1024x768 xc:white -fill black -draw 'rectangle 0,466 1024,768' -blur 0x6 "$work/land.pgm"
convert "$work/land.pgm" -negate "$work/lake-mask.png"
convert "$work/land.pgm" "$work/land-mask.png"
paint regions -c $photo/valley.jpg -s $style/swirl.jpg -s $style/mosaic.jpg \
    --content-mask "$work/land-mask.png" --content-mask "$work/lake-mask.png" "${small[@]}"
row several "$work/mixed.png" "$work/land-mask.png" "$work/regions.png"

# Six strengths: two scenes at 256 and at 1024 px, there with fewer steps.
strengths() { # row, flags...
    local row=$1 painted=()
    for strength in 0 0.2 0.4 0.6 0.8 1; do
        paint "$row-$strength" "${@:2}" --strength "$strength"
        painted+=("$work/$row-$strength.png")
    done
    convert "${painted[@]}" -resize 200x +append "$work/$row.png"
}
large=(--size 1024 -n 12 --steps-per-scale 40 --scale-factor 2)
for pair in harbour:swirl valley:woodcut; do
    pictures=(-c "$photo/${pair%:*}.jpg" -s "$style/${pair#*:}.jpg")
    strengths "${pair%:*}-256" "${pictures[@]}" --size 256
    strengths "${pair%:*}-1024" "${pictures[@]}" "${large[@]}"
done
convert "$work"/{harbour,valley}-{256,1024}.png -append -quality 86 $out/strengths.jpg

# A print, and a part of it pixel by pixel, in which four tiles meet.
if [ -n "${PRINT:-}" ]; then
    paint print -c $photo/harbour.jpg -s $style/swirl.jpg --size 4096 --preset fast --max-memory 6GB
    convert \( "$work/print.png" -resize x450 \) \( "$work/print.png" -crop 640x450+724+800 +repage \) \
        -background white +smush 6 -quality 86 $out/print.jpg
fi
