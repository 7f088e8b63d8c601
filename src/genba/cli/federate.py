"""``genba federate``: sites train one model together, and no row leaves its site."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import emit_json, fail, noun, print_table, says_errors
from genba.cli.training import (
    EquipmentOption,
    FromOption,
    GroupOption,
    JsonOption,
    PlantFile,
    StepOption,
    TimeOption,
    ToOption,
    VouchOption,
    now_text,
    registry_of,
    show_candidate,
)

if TYPE_CHECKING:
    from genba.learn import Registry
    from genba.learn.federated.identity import Identity
    from genba.learn.federated.plan import Plan

app = noun("Train one model with other sites. Rows stay at their site; sums alone leave it.")

FolderOption = Annotated[Path, typer.Option("--folder", help="Where keys and certificates lie.")]
CaOption = Annotated[Path, typer.Option("--ca", help="The federation's authority, PEM.")]
CertOption = Annotated[Path, typer.Option("--cert", help="The own certificate, PEM.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Its private key, PEM; default: beside it, as .key.")
]
StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the own plant.", envvar="GENBA_STATE")
]
HubArgument = Annotated[str, typer.Argument(help="The hub, like https://hub.example:8443.")]


@app.command("authority", short_help="Make the authority that the federation's sites trust.")
@says_errors
def authority(
    name: Annotated[str, typer.Argument(help="What the federation is called.")],
    folder: FolderOption = Path("federation"),
) -> None:
    """Make a small authority: keep its key apart from the hub, it vouches for who takes part."""
    import datetime as dt

    from genba.learn.federated.identity import make_authority

    made = make_authority(folder, name, dt.datetime.now(dt.UTC))
    typer.echo(f"{made}: give it to the hub and to all sites; keep {made.with_suffix('.key')}.")


@app.command("request", short_help="Make a key, and a request for a certificate, where it is used.")
@says_errors
def request(
    name: Annotated[str, typer.Argument(help="Name of the site, as in the plan; or 'hub'.")],
    host: Annotated[
        list[str] | None,
        typer.Option(help="Of a hub: a name or address that sites call it by; may be repeated."),
    ] = None,
    folder: FolderOption = Path("federation"),
) -> None:
    """Make a key that never leaves this place; the request goes to whoever has the authority."""
    from genba.learn.federated.identity import make_request

    made = make_request(folder, name, host or ())
    typer.echo(f"{made}: send it to the authority, who answers with {made.stem}.pem.")


@app.command("sign", short_help="Sign a request with the authority.")
@says_errors
def sign(
    requested: Annotated[Path, typer.Argument(metavar="REQUEST", help="A request (.csr).")],
    ca: CaOption = Path("federation/authority.pem"),
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 397,
) -> None:
    """Sign a request, once it is sure who made it; the authority's key lies beside it."""
    import datetime as dt

    from genba.learn.federated.identity import sign_request

    made = sign_request(ca, requested, dt.datetime.now(dt.UTC), days)
    typer.echo(f"{made}: send it back; it is no secret.")


@app.command("hub", short_help="Train with the sites of a plan, and keep the candidate.")
@says_errors
def hub(
    plan: Annotated[Path, typer.Argument(help="The plan (YAML).")],
    ca: CaOption = Path("federation/authority.pem"),
    cert: CertOption = Path("federation/hub.pem"),
    key: KeyOption = None,
    host: Annotated[str, typer.Option(help="Address to answer at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8443,
    state: StateOption = Path("state"),
    json: JsonOption = False,
) -> None:
    """Wait for the sites, train, and leave a candidate; started anew, it goes on where it was."""
    from genba.learn.federated.plan import read_plan
    from genba.learn.federated.run import Ears, run_hub
    from genba.operate.listening import listen

    agreed = read_plan(plan)
    registry = _registry(state)
    identity = _identity(ca, cert, key)
    ears = Ears(lambda text: typer.echo(text, err=True))
    listener = listen(host, port)
    found = run_hub(agreed, identity, listener, state / "federated", now_text, ears)
    kept = found.keep(registry, now_text(), by="genba federate hub")
    last = f"Candidate {kept.digest[:12]}: nothing runs it yet. All sites have it too."
    show_candidate(found, kept, last, json)


@app.command("show", short_help="Show a hub's plan, before agreeing to it.")
@says_errors
def show(
    url: HubArgument,
    cert: CertOption,
    ca: CaOption = Path("federation/authority.pem"),
    key: KeyOption = None,
    json: JsonOption = False,
) -> None:
    """Show what would be trained, with whom, what would leave this site, and the plan's digest."""
    from genba.learn.federated.client import Line

    line = Line(url, _identity(ca, cert, key))
    try:
        found = line.plan()
    finally:
        line.close()
    if json:
        emit_json({"digest": found.digest(), **found.as_json()})
        return
    columns = ", ".join(f"{c.name} ({c.unit})" for c in found.columns)
    target = found.target
    told = ", ".join(target.classes) if target.classes else target.unit
    typer.echo(f"{found.federation}: {found.task}, of '{target.name}' ({told}).")
    typer.echo(f"Sites: {', '.join(found.sites)}; at least {found.fewest_sites} in each sum.")
    typer.echo(f"Columns: {columns}; windows of {found.window} rows.")
    typer.echo(f"Each site parts its rows by '{found.split}', {found.fewest_rows} rows at least.")
    typer.echo(
        f"Leaves a site: masked numbers, at most {found.most_sums} times; the hub reads their sums "
        "over sites: means and products of columns, slopes and changes of parameters, counts of "
        "residuals and figures."
    )
    typer.echo(f"Plan {found.digest()}")
    typer.echo(f"To agree: genba federate join {url} --agree {found.digest()[:16]} ...")


@app.command("join", short_help="Take part with this site's rows, having agreed to the plan.")
@says_errors
def join(
    url: HubArgument,
    cert: CertOption,
    agree: Annotated[
        str, typer.Option(help="Digest of the plan, or 12 letters of it: what you agree to.")
    ],
    ca: CaOption = Path("federation/authority.pem"),
    key: KeyOption = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV or Parquet with rows.")] = None,
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    start: FromOption = "-14d",
    end: ToOption = "now",
    step: StepOption = None,
    unit: Annotated[
        list[str] | None, typer.Option(help="COLUMN=UNIT of the file (UCUM); may be repeated.")
    ] = None,
    time: TimeOption = None,
    group: GroupOption = None,
    vouch: VouchOption = None,
    fewest: Annotated[
        int, typer.Option(min=0, help="Fewest rows to learn from that this site asks for.")
    ] = 0,
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds that the hub may be away.")
    ] = 3600.0,
    state: StateOption = Path("state"),
    json: JsonOption = False,
) -> None:
    """Check the rows, answer the hub until it is done, and keep the candidate here too."""
    from genba.cli.federating import rows_for, taken_part
    from genba.learn.federated.client import Line, plan_of_hub
    from genba.learn.federated.site import Site, ready

    registry = _registry(state)
    identity = _identity(ca, cert, key)
    name = _name(identity)
    line = Line(url, identity)
    try:
        plan = plan_of_hub(line, patience)
        _agreed(plan, agree, url)
        data = rows_for(plan, file, (plant, equipment, start, end, step), unit, time, group, state)
        worker = ready(plan, data, name, vouched=tuple(vouch or ()), fewest=fewest)
        site = Site(plan, worker, identity, state / "federated", now_text)
        kept, rows = taken_part(line, site, data, registry, patience, equipment)
    finally:
        line.close()
    if json:
        emit_json({"model": kept.digest, "folder": kept.folder, "here": rows})
        return
    head = ("figure", "shared model", "this site alone")
    print_table(f"On the test rows of {name}", head, [[n, *row] for n, row in rows.items()])
    typer.echo(
        f"Candidate {kept.digest[:12]} is kept here; nothing runs it yet. What left this site: "
        f"genba federate ledger --state {state}"
    )


@app.command("ledger", short_help="Show what left this site, and check that nothing was altered.")
@says_errors
def ledger(state: StateOption = Path("state"), json: JsonOption = False) -> None:
    """List each masked answer that was sent, whose sum it was in, and what was refused."""
    from genba.learn.registry.history import History

    found = History(state / "federated" / "federated.jsonl").events()
    if json:
        emit_json([{"time": e.time, "what": e.what, "plan": e.model, **e.data} for e in found])
        return
    rows = [
        (e.time, e.what.value, e.data.get("kind", ""), e.data.get("numbers", ""),
         e.data.get("bytes", ""), ", ".join(e.data.get("sites", ())), e.data.get("why", ""))
        for e in found
    ]  # fmt: skip
    head = ("time", "what", "kind", "numbers", "bytes", "with", "why")
    print_table("What left this site", head, rows)


def _registry(state: Path) -> "Registry":
    """Open the models of a state folder; one is made where there is none: a hub has no plant."""
    from genba.operate.state import StateFolder

    StateFolder(state)
    return registry_of(state)


def _identity(ca: Path, cert: Path, key: Path | None) -> "Identity":
    from genba.learn.federated.identity import Identity

    return Identity(ca, cert, key or cert.with_suffix(".key"))


def _name(identity: "Identity") -> str:
    import datetime as dt

    return identity.check(dt.datetime.now(dt.UTC))


def _agreed(plan: "Plan", agree: str, url: str) -> None:
    if len(agree) < 12 or not plan.digest().startswith(agree.lower()):
        fail(
            f"the hub's plan is {plan.digest()[:16]}, and you agreed to '{agree}'; look at it with "
            f"genba federate show {url}"
        )
