"""Looks for known holes in the pinned dependencies, and says plainly what it could not look up.

    python .ci/audit_dependencies.py [--strict] [--report FILE] LOCK...

pip-audit asks PyPI's advisories, then OSV's for what PyPI did not know. On a machine that reaches
a mirror of the packages alone neither answers; pip-audit then calls a package "not found" and is
content. Here that is told as NOT AUDITED, and with ``--strict`` it fails, as a known hole always
does. ``--report`` judges a report of ``pip-audit -f json`` instead of asking.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCES = ("pypi", "osv")
BOUND_S = 300


def report_of(lock: Path, source: str) -> list[dict[str, Any]]:
    """Ask one source about every package of a lock file; [] where it does not answer."""
    command = [
        *(sys.executable, "-m", "pip_audit", "-r", str(lock), "-s", source, "-f", "json"),
        *("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "15"),
    ]
    try:
        told = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=BOUND_S, check=False
        )
        found: list[dict[str, Any]] = json.loads(told.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return found


def judge(reports: list[list[dict[str, Any]]]) -> tuple[set[str], set[str], dict[str, list[str]]]:
    """Return who was looked up, who was not, and the known holes by package."""
    audited: set[str] = set()
    named: set[str] = set()
    holes: dict[str, list[str]] = {}
    for report in reports:
        for one in report:
            package = f"{one['name']} {one.get('version', '')}".strip()
            named.add(one["name"])
            if "skip_reason" in one:
                continue
            audited.add(one["name"])
            for hole in one.get("vulns", ()):
                mend = ", ".join(hole.get("fix_versions", ())) or "nothing yet"
                line = f"{hole['id']}, mended in {mend}"
                if line not in holes.setdefault(package, []):
                    holes[package].append(line)
    return audited, named - audited, {name: found for name, found in holes.items() if found}


def pinned(lock: Path) -> set[str]:
    """Return the names of the packages that a lock file pins."""
    lines = lock.read_text("utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line and line[0].isalnum()}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def main() -> int:
    """Audit, tell, and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("locks", nargs="+", type=Path, metavar="LOCK")
    parser.add_argument("--strict", action="store_true", help="fail where nothing can be looked up")
    parser.add_argument("--report", type=Path, action="append", help="judge this report instead")
    options = parser.parse_args()
    wanted = set().union(*map(pinned, options.locks))
    if options.report:
        reports = [json.loads(path.read_text("utf-8"))["dependencies"] for path in options.report]
    else:
        reports = []
        for source in SOURCES:
            if wanted - judge(reports)[0]:
                reports += [report_of(lock, source) for lock in options.locks]
    audited, _, holes = judge(reports)
    missing = sorted(wanted - audited)
    print(f"{len(wanted & audited)} of {len(wanted)} pinned packages were looked up")
    for package, found in sorted(holes.items()):
        print(f"KNOWN HOLE in {package}: {'; '.join(found)}")
    if missing:
        print(
            f"NOT AUDITED: no source of advisories ({', '.join(SOURCES)}) told of "
            f"{_listed(missing)}; run this again where pypi.org or api.osv.dev can be reached"
        )
    return 1 if holes or (missing and options.strict) else 0


if __name__ == "__main__":
    sys.exit(main())
