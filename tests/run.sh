#!/usr/bin/env bash
# The whole suite in two halves beside each other: what computes, at low priority, and what keeps
# time (processes, ports, clocks), undisturbed. Arguments are for both halves.
set -uo pipefail
cd "$(dirname "$0")/.."
computing=(tests/learn tests/twin tests/plan tests/control)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

nice -n 19 .venv/bin/python -m pytest "$@" "${computing[@]}" >"$log" 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null; rm -f "$log"' EXIT

keeping=()
for part in tests/*/; do
  [[ " ${computing[*]} " == *" ${part%/} "* ]] || keeping+=("$part")
done
.venv/bin/python -m pytest "$@" "${keeping[@]}"
kept=$?
wait "$beside"
computed=$?
cat "$log"
exit $((kept || computed))
