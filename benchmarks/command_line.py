"""How long `genba --help` takes, as a whole process.

``python -m benchmarks.command_line``
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time


def main() -> None:
    """Run the command many times and print median and largest wall time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    command = [sys.executable, "-m", "genba", "--help"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    walls = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - began)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"genba --help: median {statistics.median(walls):.3f} s, "
        f"largest {max(walls):.3f} s of {runs} (bar 0.3 s); {work_s / runs:.3f} s of a core each, "
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
