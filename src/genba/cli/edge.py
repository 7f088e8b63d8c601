"""``genba edge``: models at a machine, and releases on their way to many."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import emit_json, fail, noun, print_table, says_errors

if TYPE_CHECKING:
    from genba.learn.edge.rollout import Rollout

app = noun("Run models at a machine without the core, size them, and roll releases out.")

StateOption = Annotated[
    Path, typer.Option(help="State folder of the machine.", envvar="GENBA_STATE")
]
KeyOption = Annotated[Path, typer.Option(help="The key that signs releases and orders.")]
HubOption = Annotated[
    str, typer.Option(help="The broker of orders: mqtts://host:port, or mqtt:// on your network.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.command("run", short_help="Run one machine: sense, judge, guard, record, pass on.")
@says_errors
def run(
    plant: Annotated[Path, typer.Argument(help="The machine's plant file.")] = Path("plant.yaml"),
    name: Annotated[str, typer.Option(help="What this machine is called in roll-outs.")] = "",
    trust: Annotated[
        Path | None, typer.Option(help="File with the public keys whose releases are taken.")
    ] = None,
    hub: Annotated[
        str | None, typer.Option(help="The broker of orders: mqtts://host:port; default none.")
    ] = None,
    state: StateOption = Path("edge-state"),
    clock: Annotated[
        str, typer.Option(help="The plant's clock: 'system', or START*SPEED@UNIXSECONDS.")
    ] = "system",
    credentials: Annotated[
        Path | None, typer.Option(help="File with the devices' credentials (mode 0600).")
    ] = None,
    hub_credentials: Annotated[
        str | None, typer.Option(help="Name of the broker's login in the credentials.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="The authority that signed the broker's certificate.")
    ] = None,
    trial_answers: Annotated[
        int, typer.Option(help="Good answers that a release needs before it is in force.", min=1)
    ] = 100,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Where cameras put pictures, EQUIPMENT/NAME.png; default in the state."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="YAML with what is put up with of models; default as in the docs."),
    ] = None,
    act: Annotated[
        bool,
        typer.Option("--act", help="Take a release back where the rules say so; else only say it."),
    ] = False,
    log_file: Annotated[
        Path | None, typer.Option(help="Write the log here; default: standard error.")
    ] = None,
) -> None:
    """Run one machine without the core. It never writes to a device. Ctrl-C stops cleanly."""
    import asyncio

    from genba.cli.edge_running import EdgeRun, serve
    from genba.learn.edge.keys import Trust
    from genba.learn.watch.rules import Rules, read_rules
    from genba.operate.logs import set_up
    from genba.operate.state import StateFolder
    from genba.plant import load_plant, parse_clock

    set_up("text", level="warning", file=log_file)
    loaded = load_plant(plant)
    if trust is None:
        fail("no releases can be taken without --trust; make a key with `genba edge key`")
    told = Rules() if rules is None else read_rules(rules)
    with StateFolder(state) as held:
        asyncio.run(
            serve(
                EdgeRun(
                    loaded,
                    held,
                    parse_clock(clock),
                    name or loaded.id,
                    Trust.at(trust),
                    hub,
                    hub_credentials,
                    ca_file,
                    credentials,
                    trial_answers,
                    pictures,
                    told,
                    act,
                )
            )
        )


@app.command("key", short_help="Make the key that signs releases; show its public half.")
@says_errors
def key(path: Annotated[Path, typer.Argument(help="Where the key is, or shall be.")]) -> None:
    """Show the public half of a key, for the machines' file of trusted keys; make it if needed."""
    from genba.learn.edge.keys import ReleaseKey

    typer.echo(ReleaseKey.at(path, create=True).public)


@app.command("pack", short_help="Make a release for machines of a registered model.")
@says_errors
def pack(
    model: Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")],
    out: Annotated[Path, typer.Argument(help="The release to write (.bundle).")],
    state: Annotated[
        Path, typer.Option(help="State folder of the plant.", envvar="GENBA_STATE")
    ] = Path("state"),
    key: Annotated[
        Path | None, typer.Option(help="The key that signs; default the plant's model key.")
    ] = None,
    budget_us: Annotated[float, typer.Option(help="Longest p99 of an answer there.")] = 10_000.0,
    memory_mb: Annotated[float, typer.Option(help="Most memory that it may add there.")] = 256.0,
    low: Annotated[float, typer.Option(help="Lowest answer that makes sense.")] = -1e30,
    high: Annotated[float, typer.Option(help="Highest answer that makes sense.")] = 1e30,
) -> None:
    """Seal a registered model with its card and its probe rows, for `genba edge rollout`."""
    from genba.cli.training import registry_of
    from genba.learn.edge.bundle import address_of
    from genba.learn.edge.keys import ReleaseKey
    from genba.learn.edge.pack import release_of
    from genba.learn.registry.signature import KEY
    from genba.operate.state import StateFolder

    found = registry_of(state).get(model)
    signs = ReleaseKey.at(key or StateFolder(state, create=False).secrets / KEY)
    content = release_of(found, signs, budget_us=budget_us, memory_mb=memory_mb, low=low, high=high)
    out.write_bytes(content)
    typer.echo(f"{out}: release {address_of(content)[:12]} of model {found.digest[:12]}")
    typer.echo(f"Machines take it if they trust {signs.public}")


@app.command("size", short_help="See whether a device is large enough for a model.")
@says_errors
def size(
    release: Annotated[Path, typer.Argument(help="A release (.bundle).")],
    trust: Annotated[Path, typer.Option(help="File with the public keys that are trusted.")],
    device: Annotated[str, typer.Option(help="What the device is called.")] = "this machine",
    speed: Annotated[
        float,
        typer.Option(
            help="Speed of one of its cores, this machine's being 1; compare `genba edge size` "
            "on both."
        ),
    ] = 1.0,
    memory_mb: Annotated[float, typer.Option(help="Memory that it has for this, MB.")] = 512.0,
    cpu_share: Annotated[float, typer.Option(help="Part of one core for models.")] = 0.5,
    budget_us: Annotated[
        float | None, typer.Option(help="Longest p99 of an answer; default what the card says.")
    ] = None,
    answers: Annotated[int, typer.Option(help="Answers to measure on.", min=100)] = 2000,
    json: JsonOption = False,
) -> None:
    """Measure a model here, in a process of its own, and compare it with a device's budget."""
    from dataclasses import asdict

    from genba.learn.edge.bundle import open_bundle
    from genba.learn.edge.keys import Trust
    from genba.learn.edge.size import Device, measure, size_up, speed_of_this_core

    bundle = open_bundle(release.read_bytes(), Trust.at(trust))
    found = measure(bundle, answers)
    sized = size_up(bundle, found, Device(device, speed, memory_mb, cpu_share, budget_us))
    core = speed_of_this_core()
    if json:
        emit_json({"measured": asdict(found), "device": asdict(sized), "core_gflops": core})
        return
    how = "measured here" if speed == 1.0 else f"estimated from here at {speed:g} times the speed"
    print_table(
        f"{bundle.contract.name} {bundle.contract.version} on {device}, {how}",
        ("what", "takes", "there is"),
        [
            ("p99 of one answer, us of CPU", f"{sized.p99_us:.0f}", _budget(bundle, budget_us)),
            ("memory, MB", f"{sized.memory_mb:.0f}", f"{memory_mb:.0f}"),
            (
                f"part of a core, one answer in {bundle.contract.step_s:g} s",
                f"{sized.share:.2%}",
                f"{cpu_share:.0%}",
            ),
            ("answers a second, one core", f"{found.answers_s * speed:,.0f}", ""),
            ("operations for an answer", f"{found.operations:,.0f}", ""),
            ("operations a second", f"{found.operations_s * speed / 1e9:.2f} G", ""),
            ("this core, matrix product", f"{core:.1f} G/s", ""),
        ],
    )
    typer.echo(_verdict(sized.fits, sized.problems, sized.scale, sized.tightest))
    if not sized.fits:
        raise typer.Exit(1)


def _budget(bundle: Any, budget_us: float | None) -> str:
    return f"{bundle.contract.budget_us if budget_us is None else budget_us:.0f}"


def _verdict(fits: bool, problems: tuple[str, ...], scale: float, tightest: str) -> str:
    if fits:
        return f"It fits. A model up to {scale:.1f} times as heavy would; {tightest} bounds that."
    if scale <= 0:
        return f"It does not fit: {'; '.join(problems)}. No model would: {tightest} is too small."
    return (
        f"It does not fit: {'; '.join(problems)}. A model of at most {scale:.0%} of this one's "
        f"weight would; {tightest} bounds that."
    )


@app.command("rollout", short_help="Bring a release to machines, group by group.")
@says_errors
def rollout(
    release: Annotated[Path, typer.Argument(help="A release (.bundle).")],
    groups: Annotated[Path, typer.Argument(help="YAML: a list of groups, the canary first.")],
    hub: HubOption,
    key: KeyOption,
    by: Annotated[str, typer.Option(help="Who wants it; stands in the history.")],
    history: Annotated[Path, typer.Option(help="Where it is written down.")] = Path(
        "roll-outs.jsonl"
    ),
    approve: Annotated[
        list[str] | None, typer.Option(help="Say yes to this group that waits; repeatable.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Begin again with the machines that failed.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Take up the last roll-out where it was left.")
    ] = False,
    flips: Annotated[
        float | None, typer.Option(help="Widen the share of findings that may differ.")
    ] = None,
    shift: Annotated[
        float | None, typer.Option(help="Widen how far answers may shift, in IQR.")
    ] = None,
    trial_s: Annotated[float, typer.Option(help="Seconds that a trial may take.")] = 3600.0,
    ca_file: Annotated[
        Path | None, typer.Option(help="The authority that signed the broker's certificate.")
    ] = None,
    credentials: Annotated[Path | None, typer.Option(help="File with the broker's login.")] = None,
    login: Annotated[str | None, typer.Option(help="Name of the login in that file.")] = None,
    json: JsonOption = False,
) -> None:
    """Roll a release out: canary first, stop by itself where too much fails, take back then."""
    import asyncio

    from genba.cli.edge_rolling import Hub, Wish, roll
    from genba.learn.edge.bundle import open_bundle
    from genba.learn.edge.keys import ReleaseKey, Trust

    signs = ReleaseKey.at(key)
    content = release.read_bytes()
    bundle = open_bundle(content, Trust((signs.public,)))
    wish = Wish(
        content, bundle.address, bundle.contract.name, bundle.digest, groups,
        Hub(hub, ca_file, credentials, login), signs, by, history, tuple(approve or ()), retry,
        go_on, (flips, shift), trial_s,
    )  # fmt: skip
    done = asyncio.run(roll(wish))
    show_rollout(done, json=json)


@app.command("history", short_help="What ran where and when; checks that nothing was altered.")
@says_errors
def history(
    path: Annotated[Path, typer.Argument(help="A history (.jsonl), of a machine or of roll-outs.")],
    json: JsonOption = False,
) -> None:
    """Show a history, and check its chain."""
    from genba.cli.model_history import show_history
    from genba.learn.registry.history import History

    if not path.exists():
        fail(f"there is no history {path}; a machine keeps it in models/history.jsonl of its state")
    show_history(History(path).events(), str(path), json=json)


def show_rollout(rollout: "Rollout", *, json: bool) -> None:
    """Show how far a roll-out is; fail where it was stopped."""
    from genba.learn.edge.rollout import State

    if json:
        emit_json(
            {
                "state": str(rollout.state),
                "why": rollout.why,
                "machines": {n: str(stage) for n, stage in rollout.stages.items()},
                "reasons": rollout.reasons,
            }
        )
    else:
        rows = [(n, str(s), rollout.reasons.get(n, "")) for n, s in rollout.stages.items()]
        print_table(f"release {rollout.plan.address[:12]}", ("machine", "stage", "why"), rows)
        asking = rollout.asking
        if asking is not None:
            typer.echo(f"Group '{asking.name}' waits for a yes: --go-on --approve {asking.name}")
    if rollout.state is State.STOPPED:
        fail(f"stopped and taken back: {rollout.why}")
