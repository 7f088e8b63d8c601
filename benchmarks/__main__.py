"""Run benchmarks one after the other: ``python -m benchmarks [NAME ...] [--data DIR]``.

Those that need public data take it from ``DIR``; without one they are left out, and named.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FILES = {
    file.stem: text
    for file in sorted(Path(__file__).parent.glob("*.py"))
    if not file.stem.startswith("_") and "def main(" in (text := file.read_text(encoding="utf-8"))
}
"""Source of each benchmark by its name."""
NEED_DATA = {name for name, text in FILES.items() if '"--data"' in text}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks.")
    listed = ", ".join(FILES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all: {listed}")
    needing = ", ".join(sorted(NEED_DATA))
    parser.add_argument("--data", type=Path, help=f"folder with public data, for {needing}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(FILES):
        parser.error(f"there is no benchmark '{min(unknown)}'; there are {listed}")
    if given.data is not None and not given.data.is_dir():
        parser.error(f"--data {given.data}: there is no such folder")
    if given.data is None and (unfed := NEED_DATA & set(given.names)):
        parser.error(f"{min(unfed)} needs public data; give its folder with --data DIR")
    failed, left_out = [], []
    for name in given.names or FILES:
        if name in NEED_DATA and given.data is None:
            left_out.append(name)
            continue
        more = ["--data", str(given.data)] if name in NEED_DATA else []
        print(f"\n== python -m benchmarks.{' '.join([name, *more])}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *more], check=False)
        if done.returncode:
            failed.append(name)
    if left_out:
        print(f"\nleft out, as they need --data DIR: {', '.join(left_out)}", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
