"""The HTTP API against its own description: schemathesis makes the questions, and judges answers.

    python -m benchmarks.api_contract [--examples 200] [--seed 1]

The reference plant is stepped in process for two hours; its API answers on a real socket. For each
route that the OpenAPI description names, questions are drawn that fit it and questions that do not.
Each is asked without an identity (401 is the only right answer, but for the way in), with a role
that is too low (403), and as an admin: then no answer may be 5xx, of an undocumented status or
content type, or of another form than its schema.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from tests.operate.api.running_plant import RunningPlant, running_plant

from genba.operate.api.matrix import Rule, rules_of
from genba.operate.api.serve import ApiServer
from genba.operate.listening import listen
from genba.operate.people import PersonRole

ENDLESS = "/api/v1/live/stream"
ELSEWHERE = b"describes what there is"
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@dataclass
class Served:
    """A plant whose API answers at ``url``."""

    url: str
    plant: RunningPlant


@dataclass
class Tally:
    """What was asked and answered; ``wrong`` names each thing that should not have been."""

    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(folder: Path, live_s: float = 2 * 3600) -> Iterator[Served]:
    """Run the plant and its API in a thread of their own."""
    ready, over = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with running_plant(folder) as plant:
            await plant.live(live_s)
            server = ApiServer(plant.app, listen("127.0.0.1", 0))
            await server.start()
            found.append(Served(server.url, plant))
            ready.set()
            await asyncio.to_thread(over.wait)
            await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        while not ready.wait(0.1):
            if not thread.is_alive():
                raise RuntimeError("the plant did not start")
        yield found[0]
    finally:
        over.set()
        thread.join()


def examine(served: Served, examples: int, number: int, only: str = "/") -> Tally:
    """Ask every route that begins so ``examples`` questions of each kind; ``number`` seeds."""
    load_all_checks()
    # Identities are ours to give: drawn ones would all be nobody's.
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    described = schemathesis.openapi.from_dict(served.plant.app.openapi(), config=config)
    rules = {(rule.method, rule.path): rule for rule in rules_of(served.plant.app)}
    tally = Tally()
    for found in described.get_all_operations():
        operation = found.ok()
        rule = _rule(rules, operation.method.upper(), operation.full_path)
        if operation.full_path == ENDLESS or not operation.full_path.startswith(only):
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _examine_route(served, operation, rule, mode, examples, number, tally)
    return tally


def _rule(rules: dict[tuple[str, str], Rule], method: str, path: str) -> Rule:
    """Find the route of an operation: its description leaves converters of parameters out."""
    for (of_method, of_path), rule in rules.items():
        if of_method == method and of_path.replace(":path}", "}") == path:
            return rule
    raise LookupError(f"no route answers {method} {path}")


def _examine_route(
    served: Served,
    operation: Any,
    rule: Rule,
    mode: GenerationMode,
    examples: int,
    number: int,
    tally: Tally,
) -> None:
    lower = _too_low(rule)

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        where = f"{operation.method.upper()} {operation.full_path}"
        answer = _call(served, case, served.plant.tokens["admin"])
        tally.asked += 1
        tally.statuses[answer.status_code] += 1
        # A drawn path may belong to no route at all; then there is nobody to refuse.
        routed = ELSEWHERE not in answer.content
        if rule.access is not None and routed:
            _refused(_call(served, case, None), 401, f"{where} without identity", tally)
        if lower is not None and routed:
            token = served.plant.tokens[lower]
            _refused(_call(served, case, token), 403, f"{where} as {lower}", tally)
        try:
            case.validate_response(answer, checks=[CHECKS.get_one(name) for name in CHECKED])
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - it groups what it finds
            tally.wrong.append(f"{where}: {_told(error)}")

    # What cannot be wrong (a route without parameters) has no wrong questions.
    with contextlib.suppress(schemathesis.errors.SchemathesisError, _unsatisfiable()):
        ask()


def _unsatisfiable() -> type[Exception]:
    from hypothesis.errors import Unsatisfiable

    return Unsatisfiable


def _too_low(rule: Rule) -> PersonRole | None:
    if rule.access is None or rule.access.role is PersonRole.VIEWER:
        return None
    roles = list(PersonRole)
    return roles[roles.index(rule.access.role) - 1]


def _call(served: Served, case: Any, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {"Authorization": ""}
    return case.call(base_url=served.url, headers=headers, timeout=30)


def _refused(answer: Any, status: int, who: str, tally: Tally) -> None:
    tally.asked += 1
    tally.statuses[answer.status_code] += 1
    if answer.status_code != status:
        tally.wrong.append(f"{who}: answered with {answer.status_code}")


def _told(error: BaseException) -> str:
    parts = getattr(error, "exceptions", None)
    if parts:
        return "; ".join(_told(part) for part in parts)
    return " ".join(str(error).split())[:600]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_contract")
    parser.add_argument("--examples", type=int, default=100, help="questions per route and kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        tally = examine(served, options.examples, options.seed)
    shown = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
    print(
        f"{tally.asked:,} questions in {time.perf_counter() - began:.0f} s, seed {options.seed} "
        f"(simulated plant); answers by status: {shown}; wrong: {len(tally.wrong):,}"
    )
    for line, count in Counter(tally.wrong).most_common(40):
        print(f"  {count} x {line}")
    if tally.wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
