#!/usr/bin/env bash
# A room of src/ includes only from itself and from rooms above it in this list. Run by the tests.
set -u
cd "$(dirname "$0")/.." || exit 1
rooms=(base image compute int8 nn models data eval train quant stages catalogue interchange synth api cli)

rooms=("${rooms[@]:0:${#rooms[@]}-1}" edge cli) # the commands choose engines, nobody else does

failed=0
passed=0
allowed=" "
for room in "${rooms[@]}"; do
    allowed="$allowed$room "
    [ -d "src/$room" ] || continue
    while IFS=: read -r file line include; do
        target=${include#*\"}
        target=${target%%\"*}
        if [ "${target%%/*}" = "$target" ]; then
            printf '%s:%s: "%s" has no room in front of it\n' "$file" "$line" "$target"
            failed=$((failed + 1))
        elif [[ "$allowed" != *" ${target%%/*} "* ]]; then
            printf '%s:%s: %s must not include "%s"\n' "$file" "$line" "$room" "$target"
            failed=$((failed + 1))
        else
            passed=$((passed + 1))
        fi
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' -r "src/$room" --include='*.c' --include='*.h')
done

# Every folder of src/ is a room of the list, and every file name is unique in the tree.
for folder in src/*/; do
    room=$(basename "$folder")
    if [[ "$allowed" != *" $room "* ]]; then
        printf '%s is not a room of the list in tools/check-layers.sh\n' "$folder"
        failed=$((failed + 1))
    fi
done
twice=$(find src tests -name '*.[ch]' -printf '%f\n' | sort | uniq -d)
if [ -n "$twice" ]; then
    printf 'a file name stands twice: %s\n' "$twice"
    failed=$((failed + 1))
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
