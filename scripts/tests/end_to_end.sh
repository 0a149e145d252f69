#!/bin/sh
# A tiny quickstart through the same commands that a user types: the first run must leave every kind of result, the
# second must compute no cell again, and plotting alone must bring a lost plot back.
set -eu
cd "$(dirname "$0")/../.."
just=${JUST:-./just}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT INT TERM

fail() {
    echo "end to end: $*" >&2
    exit 1
}
quickstart() {
    "$just" experiment quickstart --seeds 2 --limit-train 16 --limit-eval 8 --out "$out"
}
cells() { # every stored record with its time of change
    find "$out" -name manifest.json -exec stat -c '%Y.%i %n' {} + 2>/dev/null | sort ||
        find "$out" -name manifest.json -exec stat -f '%m.%i %N' {} + | sort
}

quickstart
for kind in parquet csv md tex png; do
    found=$(find "$out" -name "*.$kind" -size +0 | head -n 1)
    [ -n "$found" ] || fail "quickstart left no .$kind file"
    [ -z "$(find "$out" -name "*.$kind" -size 0)" ] || fail "quickstart left an empty .$kind file"
done
before=$(cells)
[ -n "$before" ] || fail "quickstart left no manifest.json"

start=$(date +%s)
quickstart >/dev/null
seconds=$(($(date +%s) - start))
[ "$before" = "$(cells)" ] || fail "the second run computed cells again"
[ $seconds -le 30 ] || fail "the second run took $seconds s, though every cell was stored"

plot=$(find "$out" -name '*.png' | head -n 1)
rm "$plot"
"$just" plot quickstart --seeds 2 --limit-train 16 --limit-eval 8 --out "$out" >/dev/null
[ -s "$plot" ] || fail "just plot did not bring $plot back"
echo "end to end: $(echo "$before" | wc -l) cells, second run in $seconds s, plots redrawn from stored cells"
