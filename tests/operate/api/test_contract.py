"""The API keeps its own description, whatever is asked, and refuses who may not ask."""

from collections.abc import Iterator

import pytest
from benchmarks.api_contract import Served, examine, serving

from genba.operate.api.access import Anyone, Viewer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), live_s=1800) as plant:
        yield plant


def test_every_answer_is_one_that_the_description_names(served: Served) -> None:
    tally = examine(served, examples=3, number=1)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.asked > 500
    assert {200, 201, 401, 403, 404, 422} <= tally.statuses.keys()


def test_what_breaks_its_description_is_found(served: Served) -> None:
    """Routes that lie, in the same app, by the same examination."""

    @served.plant.app.get("/lying/type")
    def of_another_type(caller: Viewer) -> int:
        from fastapi.responses import JSONResponse

        return JSONResponse({"not": "a number"})  # type: ignore[return-value]

    @served.plant.app.get("/lying/status")
    def of_another_status(caller: Viewer) -> int:
        from fastapi import HTTPException

        raise HTTPException(418)

    @served.plant.app.get("/lying/open")
    def for_everybody(anyone: Anyone) -> int:
        raise ZeroDivisionError

    served.plant.app.openapi_schema = None
    wrong = "\n".join(examine(served, examples=1, number=1, only="/lying").wrong)
    assert "/lying/type" in wrong
    assert "418" in wrong
    assert "500" in wrong or "Server error" in wrong
