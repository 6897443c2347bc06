#!/usr/bin/env bash
# How long until a picture is as good as the textbook's after 100, 300 and 1000 steps?
#
#   benches/quality.sh count FOLDER [SIZE ...]   # paints: losses of every step, at any time
#   benches/quality.sh time FOLDER [SIZE ...]    # seconds of a step, with nothing else running
#   benches/quality.sh table FOLDER [SIZE ...]   # Markdown, from what lies in FOLDER
#   benches/quality.sh sheet FOLDER [SIZE ...]   # FOLDER/SIZE.jpg: photo, painting, textbook, presets
#
# A picture is judged by content + 30 * style, whatever it was painted for. The textbook's is one scale of
# Adam at rate 0.02 on just that, as in ../shared/reference/reference.py; nst walks its path (CHECK=1 has
# PyTorch walk it too, for the first pair, and prints both ends). Losses do not depend on how busy a machine
# is, seconds do: so steps are counted apart from being timed. Every picture is kept; what is there already is not
# painted again.
#
# PAIRS="photo:painting ..." names others than the ten, WAYS="balanced best" the presets, LAST the textbook's
# steps. Needs ImageNet's VGG19 where nst finds it, python3, ImageMagick's `convert` for the sheet, and
# for `time` and CHECK an interpreter with PyTorch as PYTHON.
set -euo pipefail
cd "$(dirname "$0")/.."
phase=$1 folder=$2
shift 2
sizes=("$@")
[ $# -gt 0 ] || sizes=(320 512)
pairs=(
    tubingen:shipwreck tubingen:starry_night tubingen:swirl tubingen:woodcut harbour:swirl
    harbour:shipwreck harbour:ink valley:mosaic valley:starry_night valley:woodcut
)
[ -z "${PAIRS:-}" ] || read -ra pairs <<<"$PAIRS"
read -ra ways <<<"${WAYS:-balanced best}"
last=${LAST:-1000}
nst=${NST:-${CARGO_TARGET_DIR:-target}/release/nst}
reference=../shared/reference/reference.py
textbook=(--scales 1 --optimizer adam --lr 0.02 --average 0 --tv 0)

named() { # a picture's file
    local file
    for file in {assets/content,assets/style,../shared/images}/"$1".jpg; do
        [ ! -e "$file" ] || { echo "$file" && return; }
    done
    echo "no picture $1.jpg" >&2
    return 1
}
paint() { # way, pair, size, flags...
    local way=$1 photo painting out=$folder/$3/$2
    photo=$(named "${2%:*}") painting=$(named "${2#*:}")
    mkdir -p "$out"
    [ -s "$out/$way.json" ] && return
    "$nst" -c "$photo" -s "$painting" -o "$out/$way.png" --overwrite --size "$3" --beta 30 \
        --weights imagenet --quiet --json "${@:4}" >"$out/$way.part"
    mv "$out/$way.part" "$out/$way.json"
}

count() { # size
    for pair in "${pairs[@]}"; do
        for way in "${ways[@]}"; do
            paint "$way" "$pair" "$1" --preset "$way"
        done
        paint textbook "$pair" "$1" "${textbook[@]}" -n "$last"
    done
    if [ -n "${CHECK:-}" ]; then
        "$PYTHON" $reference transfer "$(named "${pairs[0]%:*}")" "$(named "${pairs[0]#*:}")" \
            "$folder/$1/pytorch.png" --size "$1" --steps "$last" --beta 30
        grep '"step":'"$last," "$folder/$1/${pairs[0]}/textbook.json"
    fi
}

sheet() { # size
    local rows=()
    for pair in "${pairs[@]}"; do
        local out=$folder/$1/$pair painted=()
        for way in textbook "${ways[@]}"; do painted+=("$out/$way.png"); done
        convert "$(named "${pair%:*}")" "$(named "${pair#*:}")" "${painted[@]}" -resize x240 +append "$out/row.png"
        rows+=("$out/row.png")
    done
    convert "${rows[@]}" -append -quality 90 "$folder/$1.jpg"
}

measure() { # size
    local pair=${pairs[0]}
    rm -f "$folder/$1/$pair"/time-*.json
    for way in "${ways[@]}"; do
        paint "time-$way" "$pair" "$1" --preset "$way" -n 6 --steps-per-scale 6
    done
    "${PYTHON:-python3}" $reference transfer "$(named "${pair%:*}")" "$(named "${pair#*:}")" \
        "$folder/$1/pytorch.png" --size "$1" --steps 5 --beta 30 >"$folder/$1/pytorch.json"
}

case $phase in
count) for size in "${sizes[@]}"; do count "$size"; done ;;
sheet) for size in "${sizes[@]}"; do sheet "$size"; done ;;
time) for size in "${sizes[@]}"; do measure "$size"; done ;;
table)
    for size in "${sizes[@]}"; do
        python3 benches/quality.py "$folder/$size" "${pairs[0]}" "${ways[@]}"
    done
    ;;
*) echo "count, time, table or sheet?" >&2 && exit 2 ;;
esac
