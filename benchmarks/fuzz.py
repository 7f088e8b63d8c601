"""Fuzz what reads the words of others: no crash, no hang, no memory that grows.

``python -m benchmarks.fuzz [--target NAME] [--minutes M]``

Coverage-guided by atheris (libFuzzer), which the extra ``fuzz`` installs. Each target runs in a
process of its own, beginning with real messages. Whatever is raised other than the documented
errors is a crash; an input that takes more than 5 s is a hang. Afterwards everything that was
found to be of interest is decoded again and again in a fresh process, whose memory must stay.
"""

import argparse
import gc
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

NAMES = ("sparkplug", "vda5050", "modbus", "yaml", "expression")
HANG_S = 5
GROWTH_MB = 8.0
_ROUNDS = 20
_REPLAY_S = 60.0
_SUMMARY = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> None:
    """Fuzz the targets one after the other; a defect is printed and ends in status 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--target", choices=NAMES, action="append", help="default: all")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", choices=("fuzz", "replay"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child == "fuzz":
        _fuzz(given.target[0], given.minutes, given.seed, given.folder)
    elif given.child == "replay":
        _replay(given.target[0], given.folder)
    else:
        good = [_run(name, given.minutes, given.seed) for name in given.target or NAMES]
        sys.exit(0 if all(good) else 1)


def _run(name: str, minutes: float, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="genba-fuzz-") as folder:
        fuzzed = _child("fuzz", name, minutes, seed, folder)
        text = fuzzed.stdout + fuzzed.stderr
        done, covered = _SUMMARY.search(text), _COVERED.findall(text)
        if fuzzed.returncode or done is None:
            print(text[-6000:])
            artifacts = [p for p in Path(folder).iterdir() if p.name.startswith(("crash", "time"))]
            for artifact in artifacts:
                print(f"{name}: {artifact.name}: {artifact.read_bytes()[:2000]!r}")
            print(f"{name}: FAILED")
            return False
        replayed = _child("replay", name, minutes, seed, folder)
    print(
        f"{name}: {int(done[1]):,} inputs in {done[2]} s, 0 crashes, 0 over {HANG_S} s, "
        f"{covered[-1][1]} features, {covered[-1][2]} inputs kept; "
        + (replayed.stdout.strip() or replayed.stderr[-2000:]),
        flush=True,
    )
    return replayed.returncode == 0


def _child(
    kind: str, name: str, minutes: float, seed: int, folder: str
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "benchmarks.fuzz", "--child", kind, "--target", name,
        "--minutes", str(minutes), "--seed", str(seed), "--folder", folder,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")


def _fuzz(name: str, minutes: float, seed: int, folder: Path) -> None:
    try:
        import atheris  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        sys.exit("atheris is not installed; run: pip install -e '.[fuzz]'")
    with atheris.instrument_imports(include=["genba"]):
        from benchmarks._fuzz_targets import TARGETS
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    arguments = [
        "fuzz", str(corpus), f"-max_total_time={max(1, round(60 * minutes))}", f"-seed={seed}",
        f"-timeout={HANG_S}", f"-max_len={target.longest}", "-rss_limit_mb=2048",
        f"-artifact_prefix={folder}/",
    ]  # fmt: skip
    atheris.Setup(arguments, target.one)
    atheris.Fuzz()


def _replay(name: str, folder: Path) -> None:
    """Decode all that was kept, round after round, and look at the memory of this process."""
    from benchmarks._fuzz_targets import TARGETS

    target, process = TARGETS[name], psutil.Process()
    inputs = [path.read_bytes() for path in sorted((folder / "corpus").iterdir())]
    slowest, began, rounds = 0.0, time.monotonic(), 0
    before = 0.0
    while rounds < _ROUNDS and time.monotonic() - began < _REPLAY_S:
        for data in inputs:
            start = time.perf_counter()
            target.one(data)
            slowest = max(slowest, time.perf_counter() - start)
        rounds += 1
        if rounds == min(3, _ROUNDS // 2):  # caches are full, and the allocator has what it needs
            gc.collect()
            before = process.memory_info().rss
    gc.collect()
    grown = (process.memory_info().rss - before) / 2**20 if before else 0.0
    print(f"slowest {slowest * 1000:.1f} ms, memory {grown:+.1f} MB over {rounds} rounds of them")
    if grown > GROWTH_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
