"""The systemd unit: systemd itself finds nothing wrong with it, and calls it well protected."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from genba.cli.systemd import unit

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def written(folder: Path, *, system: bool) -> Path:
    plant = folder / "plant.yaml"
    plant.touch()
    path = folder / "genba-works.service"
    path.write_text(
        unit(
            "genba-works",
            plant,
            system=system,
            program="/bin/true",
            port=8460,
            credentials=folder / "credentials.yaml",
        )
    )
    return path


@needs_systemd
@pytest.mark.parametrize("system", [True, False])
def test_systemd_finds_nothing_wrong(tmp_path: Path, system: bool) -> None:
    path = written(tmp_path, system=system)
    scope = "--system" if system else "--user"
    found = subprocess.run(
        [str(ANALYZE), "verify", scope, "--man=no", str(path)], capture_output=True, text=True
    )
    about = [line for line in found.stderr.splitlines() if "genba-works" in line]
    assert about == [], found.stderr


@needs_systemd
def test_it_is_well_protected(tmp_path: Path) -> None:
    path = written(tmp_path, system=True)
    found = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
    )
    if "unrecognized option" in found.stderr:
        pytest.skip("this systemd-analyze is too old to judge a file")
    exposure = re.search(r"exposure level[^:]*: (\d+\.\d+)", found.stdout)
    assert exposure is not None, found.stdout + found.stderr
    assert float(exposure[1]) < 2.5


def test_what_it_says(tmp_path: Path) -> None:
    text = written(tmp_path, system=True).read_text()
    for line in (
        "Type=notify",
        "Restart=on-failure",
        "WatchdogSec=90",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=genba-works",
        "StateDirectoryMode=0700",
        "UMask=0077",
        f"LoadCredential=credentials.yaml:{tmp_path}/credentials.yaml",
    ):
        assert line in text.splitlines()
    assert "--credentials %d/credentials.yaml" in text
