#!/usr/bin/env bash
# The whole suite in three streams beside each other: what keeps time (processes, ports, clocks),
# undisturbed; what looks on as a plant runs; and at lowest priority what computes.
# Arguments are for all three.
set -uo pipefail
cd "$(dirname "$0")/.."
computing=(tests/learn tests/twin tests/plan tests/control)
looking=(tests/operate tests/historian tests/guard tests/assess tests/plant)
keeping=()
for part in tests/*/; do
  [[ " ${computing[*]} ${looking[*]} " == *" ${part%/} "* ]] || keeping+=("${part%/}")
done

logs=$(mktemp -d)
beside=()
trap 'kill "${beside[@]}" 2>/dev/null; rm -rf "$logs"' EXIT
nice -n 19 .venv/bin/python -m pytest "$@" "${computing[@]}" >"$logs/computing" 2>&1 &
beside+=($!)
nice -n 5 .venv/bin/python -m pytest "$@" "${looking[@]}" >"$logs/looking" 2>&1 &
beside+=($!)

.venv/bin/python -m pytest "$@" "${keeping[@]}"
failed=$?
for stream in "${beside[@]}"; do
  wait "$stream" || failed=1
done
cat "$logs"/*
exit "$failed"
