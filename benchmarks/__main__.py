"""Run every benchmark after the other and print what each prints."""

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = Path(__file__).parent
    failed = []
    for file in sorted(folder.glob("*.py")):
        if file.stem.startswith("_"):
            continue
        print(f"\n== python -m benchmarks.{file.stem}", flush=True)
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.{file.stem}"], check=False
        ).returncode:
            failed.append(file.stem)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
