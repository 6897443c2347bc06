#!/usr/bin/env bash
# Paints every photo of one folder in the style of every painting of another.
#
#   examples/batch.sh PHOTOS PAINTINGS RESULTS [nst options ...]
#
# Results are named PHOTO_PAINTING.png; what is there already is skipped, and a failure does not
# stop the rest. Set NST to run another binary. Exit code: 1 if anything failed.
set -u

if [ $# -lt 3 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 2
fi
photos=$1 paintings=$2 results=$3
shift 3
mkdir -p "$results" || exit 1

done=0 skipped=0 failed=0
for photo in "$photos"/*; do
    for painting in "$paintings"/*; do
        [ -f "$photo" ] && [ -f "$painting" ] || continue
        name=$(basename "${photo%.*}")_$(basename "${painting%.*}").png
        if [ -e "$results/$name" ]; then
            skipped=$((skipped + 1))
        elif "${NST:-nst}" --content "$photo" --style "$painting" -o "$results/$name" "$@" </dev/null; then
            done=$((done + 1))
        else
            code=$?
            [ $code -ge 130 ] && exit $code
            failed=$((failed + 1))
            echo "batch: $photo with $painting failed" >&2
        fi
    done
done
echo "batch: $done done, $skipped skipped, $failed failed"
[ "$failed" -eq 0 ]
