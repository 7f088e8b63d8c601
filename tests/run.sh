#!/usr/bin/env bash
# The whole suite in four streams beside each other: what keeps time (processes, ports, clocks)
# undisturbed; behind it what runs plants within the test's own process, what plans and predicts and
# what learns, which share what is left. Arguments are for all four.
# What failed beside others runs once more, alone: a deadline that a busy machine missed is kept
# there, a fault in the code fails again. What needed that is named at the end.
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
declare -A beside
trap 'kill "${beside[@]}" 2>/dev/null; rm -rf "$logs"' EXIT

stream() { # priority, name, arguments of pytest
  exec nice -n "$1" .venv/bin/python -m pytest -o cache_dir="$logs/$2.cache" "${@:3}"
}

for name in learning planning running; do
  declare -n parts=$name
  stream 5 "$name" "$@" "${parts[@]}" >"$logs/$name" 2>&1 &
  beside[$name]=$!
done
(stream 0 keeping "$@" "${keeping[@]}")
declare -A ended=([keeping]=$?)
for name in "${!beside[@]}"; do
  wait "${beside[$name]}"
  ended[$name]=$?
  cat "$logs/$name"
done

failed=0
again=()
for name in "${!ended[@]}"; do
  case ${ended[$name]} in
    0) ;;
    1) # tests failed; anything else is no verdict on a test, and stands
      again+=("$name: $(tr -d '\n{}' <"$logs/$name.cache/v/cache/lastfailed")")
      declare -n parts=$name
      (stream 0 "$name" "$@" --last-failed --last-failed-no-failures=none "${parts[@]}") || failed=1
      ;;
    *) failed=1 ;;
  esac
done
((${#again[@]})) && printf 'ran once more, alone: %s\n' "${again[@]}"
exit "$failed"
