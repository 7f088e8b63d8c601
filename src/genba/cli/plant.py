"""``genba init`` and ``genba check``: make a plant file, and find what is wrong with one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import emit_json, fail, says_errors

if TYPE_CHECKING:
    from genba.cli.live_check import Reached
    from genba.plant import Examined

ENDPOINT = "opc.tcp://"


@says_errors
def init(
    folder: Annotated[Path, typer.Argument(help="Where the plant is to live; made if missing.")],
    plant_id: Annotated[
        str | None, typer.Option("--id", help="The plant's id; default: the folder's name.")
    ] = None,
    browse: Annotated[
        str | None,
        typer.Option(
            metavar="opc.tcp://HOST:PORT",
            help="Propose equipment and signals from what this OPC UA server shows.",
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(help="Name of a login: set GENBA_CREDENTIALS_<NAME>=user:password."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Browse without signature and encryption.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the server.", min=1)] = 60,
) -> None:
    """Make a folder with a commented plant.yaml, from a template or by browsing a server."""
    from genba.plant.schema import schema_text
    from genba.plant.template import EDITOR_LINE, template_text

    path = folder / "plant.yaml"
    if folder.exists() and not folder.is_dir():
        fail(f"{folder} is a file; name a folder")
    if path.exists():
        fail(f"{path} exists and is left as it is; choose another folder, or move it away")
    name = _plant_id(plant_id or folder.resolve().name)
    if browse is None:
        text = template_text(name)
    else:
        text = _browsed(browse, folder, name, credentials, insecure, timeout)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plant.schema.json").write_text(schema_text(), encoding="utf-8")
        path.write_text(EDITOR_LINE + text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}; choose another folder")
    typer.echo(f"Wrote {path}. Make it yours, then run: genba check {path}")


def _plant_id(text: str) -> str:
    """Turn a folder's name into an id."""
    import re

    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._")[:96] or "my-plant"


def _browsed(
    url: str, folder: Path, name: str, credentials: str | None, insecure: bool, timeout_s: float
) -> str:
    """Return a plant file proposed from what a server shows."""
    if not url.startswith(ENDPOINT):
        fail(f"'{url}' is no OPC UA address; write it like opc.tcp://192.168.0.10:4840")
    import asyncio

    from genba.cli.live_check import browse
    from genba.operate.state import StateFolder
    from genba.plant import Connection
    from genba.plant.propose import propose

    options: dict[str, Any] = (
        {"insecure": True} if insecure else {"security": "Basic256Sha256", "mode": "SignAndEncrypt"}
    )
    connection = Connection(
        id="server", driver="opcua", url=url, credentials=credentials, options=options
    )
    state = StateFolder(folder / "state")
    secrets = state.secrets / "credentials.yaml"
    entries = asyncio.run(browse(connection, state.pki, secrets, timeout_s))
    return propose(connection, entries, name)


@says_errors
def check(
    plant: Annotated[Path, typer.Argument(help="The plant file.")] = Path("plant.yaml"),
    live: Annotated[
        bool,
        typer.Option("--live", help="Also reach every device and read every signal once."),
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            help="State folder with certificates; default: 'state' beside the plant file.",
            envvar="GENBA_STATE",
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="File with the devices' logins; default: in the state folder."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for a device.", min=0.1)] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Find what is wrong with a plant file: one line each, with file, line, field and mend.

    Errors keep the plant from running and make the exit code 1; warnings deserve a look.
    """
    from genba.plant import examine

    examined = examine(plant)
    if not live:  # where devices are asked, their drivers are named there
        examined = _with_drivers(examined)
    reached: list[Reached] = []
    if live and examined.plant is not None and not examined.errors:
        reached = _ask_devices(examined, plant, state, credentials, timeout)
    if json:
        emit_json(_as_json(examined, reached, live))
    else:
        _tell(examined, reached)
    if examined.errors or not all(answer.ok for answer in reached):
        raise typer.Exit(1)


def _with_drivers(examined: "Examined") -> "Examined":
    """Add what drivers say of their connections; the plant file alone does not tell it."""
    from dataclasses import replace

    from genba.connect import check_options, known_drivers
    from genba.plant import Problem, Weight
    from genba.plant.yaml_source import read_yaml

    known = known_drivers()
    plant = examined.plant
    found = []
    for index, connection in enumerate(plant.connections if plant is not None else ()):
        of_driver = check_options(connection)
        if connection.driver not in known:
            text = f"there is no driver '{connection.driver}'"
            mend = f"write one of {', '.join(sorted(known))}, or install the package that brings it"
            where = f"connections[{connection.id}].driver"
            of_driver = [Problem(Weight.ERROR, where, text, mend, ("driver",))]
        found += [(("connections", index, *problem.path), problem) for problem in of_driver]
    if not found:
        return examined
    _, source = read_yaml(Path(examined.path))
    added = [replace(problem, path=path, line=source.line_of(path)) for path, problem in found]
    return replace(
        examined, problems=tuple(sorted((*examined.problems, *added), key=lambda p: p.line))
    )


def _ask_devices(
    examined: "Examined", path: Path, state: Path | None, credentials: Path | None, timeout_s: float
) -> "list[Reached]":
    import asyncio

    from genba.cli.live_check import check_live
    from genba.operate.state import StateFolder

    folder = StateFolder(state or path.resolve().parent / "state")
    secrets = credentials or folder.secrets / "credentials.yaml"
    assert examined.plant is not None  # noqa: S101 - the caller saw to it
    return asyncio.run(check_live(examined.plant, folder.pki, secrets, timeout_s))


def _tell(examined: "Examined", reached: "Sequence[Reached]") -> None:
    for problem in examined.problems:
        colour = "red" if problem.severity == "error" else "yellow"
        typer.secho(f"{problem.severity}: ", fg=colour, nl=False)
        typer.echo(examined.tell(problem))
    for answer in reached:
        if not answer.ok:
            typer.secho("error: ", fg="red", nl=False)
            # Drivers name the connection or the signal themselves.
            name = answer.signal or f"connection {answer.connection}"
            known = answer.text if name in answer.text else f"{name}: {answer.text}"
            typer.echo(known)
    errors, warnings = len(examined.errors), len(examined.warnings)
    failed = sum(not answer.ok for answer in reached)
    if examined.plant is None or errors:
        typer.echo(f"{examined.path}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
        return
    plant = examined.plant
    parts = f"{_count(len(plant.equipment), 'piece')} of equipment, " + ", ".join(
        _count(number, word)
        for number, word in (
            (len(plant.signals), "signal"),
            (len(plant.products), "product"),
            (len(plant.orders), "order"),
            (len(plant.interlocks), "interlock"),
        )
    )
    typer.echo(
        f"{examined.path}: {parts}; {_count(errors + failed, 'error')}, "
        f"{_count(warnings, 'warning')}"
    )
    if reached:
        read = [answer for answer in reached if answer.signal]
        typer.echo(
            f"{sum(answer.ok for answer in read)} of {len(plant.signals)} signals answered rightly"
        )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _as_json(examined: "Examined", reached: "Sequence[Reached]", live: bool) -> Mapping[str, Any]:
    result: dict[str, Any] = {
        "file": examined.path,
        "ok": not examined.errors and all(answer.ok for answer in reached),
        "problems": [
            {
                "severity": problem.severity.value,
                "line": problem.line,
                "where": problem.where,
                "text": problem.text,
                "mend": problem.mend,
            }
            for problem in examined.problems
        ],
    }
    if live:
        result["live"] = [
            {"connection": a.connection, "signal": a.signal or None, "ok": a.ok, "text": a.text}
            for a in reached
        ]
    return result
