"""The bill of materials is whole, and the audit of dependencies never passes in silence."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / ".ci" / "audit_dependencies.py"
LOCK = "safe==1.0 \\\n    --hash=sha256:00\nholed==2.0 \\\n    --hash=sha256:00\n"


def audit(folder: Path, dependencies: list[dict[str, object]], *words: str):
    (folder / "lock").write_text(LOCK)
    (folder / "report").write_text(json.dumps({"dependencies": dependencies, "fixes": []}))
    command = [sys.executable, AUDIT, folder / "lock", "--report", folder / "report", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


SAFE = {"name": "safe", "version": "1.0", "vulns": []}
HOLED = {
    "name": "holed",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}],
}
UNKNOWN = {"name": "holed", "skip_reason": "Dependency not found on PyPI: holed (2.0)"}


def test_a_known_hole_fails_and_is_named(tmp_path: Path) -> None:
    told = audit(tmp_path, [SAFE, HOLED])
    assert told.returncode == 1
    assert "KNOWN HOLE in holed 2.0: PYSEC-2026-1, mended in 2.1" in told.stdout


def test_without_holes_it_passes(tmp_path: Path) -> None:
    told = audit(tmp_path, [SAFE, {**HOLED, "vulns": []}], "--strict")
    assert (told.returncode, told.stdout) == (0, "2 of 2 pinned packages were looked up\n")


@pytest.mark.parametrize("missing", [[UNKNOWN], []])
def test_what_could_not_be_looked_up_is_said(tmp_path: Path, missing: list) -> None:
    told = audit(tmp_path, [SAFE, *missing])
    assert told.returncode == 0
    assert "1 of 2 pinned packages were looked up" in told.stdout
    assert "NOT AUDITED" in told.stdout
    assert "told of holed;" in told.stdout
    assert audit(tmp_path, [SAFE, *missing], "--strict").returncode == 1


def test_the_bill_of_materials_names_every_pinned_package(tmp_path: Path) -> None:
    """The very command of `make sbom`, checked against the lock file."""
    recipe = re.search(r"^sbom:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe is not None
    words = recipe[1].replace("@", "").replace("\\\n", " ").replace("$(BIN)/", "").split()
    command = [Path(sys.executable).parent / words[0], *words[1:-1], tmp_path / "sbom.json"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "genba"
    lock = (ROOT / "requirements.lock").read_text()
    pinned = set(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;]+)", lock, re.M))
    assert len(pinned) > 40
    assert {(one["name"], one["version"]) for one in bill["components"]} == pinned
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])
