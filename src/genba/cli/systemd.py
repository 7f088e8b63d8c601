"""``genba systemd``: a hardened unit that runs a plant, and starts it again when it fails."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from genba.cli.output import fail, says_errors
from genba.cli.run import DEFAULT_PORT

_PLACES = {True: "/etc/systemd/system", False: "~/.config/systemd/user"}
_STATE = {True: "/var/lib", False: "%S"}

_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
CapabilityBoundingSet=
AmbientCapabilities=
UMask=0077
"""
_USER_ONLY = """\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
"""
"""A user's own systemd may not take rights away that need root."""


def unit(
    name: str, plant: Path, *, system: bool, program: str, port: int, credentials: Path | None
) -> str:
    """Write the unit of a plant.

    Parameters
    ----------
    name : str
        Of the service and of its state folder.
    plant : Path
        The plant file.
    system : bool
        For the whole computer, under a user that exists only while it runs; else for one user.
    program : str
        The ``genba`` command, or how Python runs it.
    port : int
        Of the API.
    credentials : Path, optional
        File with the devices' credentials; handed over by systemd, unreadable for others.
    """
    state = f"{_STATE[system]}/{name}"
    command = f"{program} run {plant} --state {state} --port {port} --log-format json"
    lines = [
        "[Unit]",
        f"Description=Genba, plant {name}",
        *(("After=network-online.target time-sync.target",) if system else ()),
        *(("Wants=network-online.target",) if system else ()),
        "StartLimitIntervalSec=600",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"StateDirectory={name}",
        "StateDirectoryMode=0700",
    ]
    if credentials is not None:
        lines.append(f"LoadCredential=credentials.yaml:{credentials}")
        command += " --credentials %d/credentials.yaml"
    lines += [
        f"ExecStart={command}",
        "Restart=on-failure",
        "RestartSec=2",
        "TimeoutStartSec=180",
        "TimeoutStopSec=180",
        "KillSignal=SIGINT",
        "WatchdogSec=90",
        "LimitNOFILE=65536",
    ]
    home = "read-only" if plant.is_relative_to("/home") or plant.is_relative_to("/root") else "yes"
    hardened = _HARDENED.format(home=home).splitlines() if system else _USER_ONLY.splitlines()
    if system:
        lines.append("DynamicUser=yes")
    target = "multi-user.target" if system else "default.target"
    lines += [*hardened, "", "[Install]", f"WantedBy={target}"]
    return "\n".join(lines) + "\n"


@says_errors
def systemd(
    plant: Annotated[Path, typer.Argument(help="The plant file.")] = Path("plant.yaml"),
    system: Annotated[
        bool, typer.Option("--system/--user", help="For the whole computer, or for you alone.")
    ] = True,
    name: Annotated[
        str | None, typer.Option(help="Name of the service; default 'genba-' and the plant's id.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65535)] = DEFAULT_PORT,
    credentials: Annotated[
        Path | None, typer.Option(help="File with the devices' credentials, given to it alone.")
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Write the unit to its place, not to the screen.")
    ] = False,
) -> None:
    """Print or install a systemd unit that runs a plant and starts it again when it fails."""
    from genba.plant import load_plant

    loaded = load_plant(plant)
    service = name or f"genba-{loaded.id.replace('/', '-')}"
    found = shutil.which("genba")
    text = unit(
        service,
        plant.resolve(),
        system=system,
        program=found or f"{sys.executable} -m genba",
        port=port,
        credentials=None if credentials is None else credentials.resolve(),
    )
    if not install:
        typer.echo(text, nl=False)
        return
    target = Path(_PLACES[system]).expanduser() / f"{service}.service"
    if target.exists() and target.read_text(encoding="utf-8") != text:
        fail(f"{target} is there and says something else; remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    mine = "" if system else "--user "
    typer.echo(f"{target} is written. Start it, now and at every boot:")
    typer.echo(f"  systemctl {mine}daemon-reload && systemctl {mine}enable --now {service}")
