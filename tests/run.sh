#!/usr/bin/env bash
# The whole suite in four streams beside each other: what keeps time (processes, ports, clocks)
# undisturbed; behind it what runs plants within the test's own process, what plans and predicts and
# what learns, which share what is left. Arguments are for all four.
set -uo pipefail
cd "$(dirname "$0")/.."
learning=(tests/learn)
planning=(tests/twin tests/plan tests/control)
running=(tests/operate tests/historian tests/guard tests/assess tests/plant)
keeping=()
for part in tests/*/; do
  [[ " ${learning[*]} ${planning[*]} ${running[*]} " == *" ${part%/} "* ]] || keeping+=("${part%/}")
done

logs=$(mktemp -d)
beside=()
trap 'kill "${beside[@]}" 2>/dev/null; rm -rf "$logs"' EXIT
nice -n 5 .venv/bin/python -m pytest "$@" "${learning[@]}" >"$logs/learning" 2>&1 &
beside+=($!)
nice -n 5 .venv/bin/python -m pytest "$@" "${planning[@]}" >"$logs/planning" 2>&1 &
beside+=($!)
nice -n 5 .venv/bin/python -m pytest "$@" "${running[@]}" >"$logs/running" 2>&1 &
beside+=($!)

.venv/bin/python -m pytest "$@" "${keeping[@]}"
failed=$?
for stream in "${beside[@]}"; do
  wait "$stream" || failed=1
done
cat "$logs"/*
exit "$failed"
