"""A process is learned, driven, looked at and handed back, by commands and over HTTP."""

import asyncio
import json
from pathlib import Path

from tests.cli.command import genba
from tests.operate.ovens import Works, learn_into, plant_in, text_of
from typer.testing import Result

from genba.operate.api.app import create_app
from genba.operate.api.serve import ApiServer
from genba.operate.identity import Identities, PersonRole
from genba.operate.listening import listen


async def test_a_user_drives_a_process_and_takes_it_back(tmp_path: Path) -> None:
    state = await asyncio.to_thread(learn_into, tmp_path)
    works = Works(state, plant_in(tmp_path, text_of()))
    identities = Identities(state.secrets)
    tokens = {role: identities.create(str(role), role) for role in PersonRole}
    await works.core.start()
    server = ApiServer(create_app(works.core, identities), listen("127.0.0.1", 0))
    await server.start()

    async def say(*words: str, role: PersonRole = PersonRole.OPERATOR) -> Result:
        options = ("--url", server.url, "--token", tokens[role])
        return await asyncio.to_thread(genba, "control", *words, *options)

    try:
        await works.run(12)
        told = await say("status", "--json", role=PersonRole.VIEWER)
        (one,) = json.loads(told.stdout)
        assert (one["driver"], one["level"], one["on"]) == ("control", "autonomous", True)
        assert one["plain"] == {"oven.setpoint": 190.0}
        (told_of, *_) = [*one["came"], *one["expected"]]
        assert told_of["name"] == "temperature"
        told = await say("stop", "oven", role=PersonRole.VIEWER)
        assert told.exit_code == 1
        assert "viewer" in told.stderr
        told = await say("stop", "oven")
        assert "control of oven-heat is off" in told.stdout
        await works.run(6)
        assert works.oven.setpoint == 190.0
        assert "plain (off)" in " ".join((await say("status")).stdout.split())
        told = await say("experiment", "oven", role=PersonRole.ENGINEER)
        assert "experiments: true" in told.stderr
        assert "has: oven-heat" in (await say("run", "furnace")).stderr
        told = await say("run", "oven-heat")
        assert "level autonomous" in told.stdout
        await works.run(8)
        assert works.driven.driver == "control"
        acts = [r for r in await works.rows("events") if r["kind"] in ("control.on", "control.off")]
        assert [row["kind"] for row in acts] == ["control.off", "control.on"]
    finally:
        await server.stop()
        await works.core.stop()
