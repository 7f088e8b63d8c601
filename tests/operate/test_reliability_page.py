"""The page about reliability names tests and benchmarks that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reliability.md").read_text("utf-8")


def test_every_test_and_benchmark_that_is_named_exists() -> None:
    tests = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    benchmarks = re.findall(r"`benchmarks\.(\w+)", PAGE)
    assert len(tests) > 25
    assert len(benchmarks) > 8
    for path in tests:
        assert (ROOT / path).exists(), path
    for name in benchmarks:
        assert (ROOT / "benchmarks" / f"{name}.py").exists(), name


def test_every_promise_is_shown_by_something() -> None:
    promises = re.findall(r"^\| (?!promise|---)(.+?) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(promises) > 20
    for promise, shown in promises:
        assert "`" in shown, promise
