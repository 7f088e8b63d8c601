"""Sites and a hub over real HTTPS: what comes out, and what happens when something goes wrong."""

import contextlib
import datetime as dt
import socket
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.learn.federated.circle import NOW, identities
from tests.learn.federated.works import SITES, Federation, listening, now, plan_for, rows_of

from genba.errors import LearnError
from genba.learn.federated.client import Line
from genba.learn.federated.gathering import Asked
from genba.learn.federated.identity import Identity, Roster, make_request, sign_request
from genba.learn.federated.line import line_of, standards_of
from genba.learn.federated.message import Message
from genba.learn.federated.plan import Plan, plan_of
from genba.learn.federated.receiving import checked_files
from genba.learn.federated.site import Site, ready
from genba.learn.federated.tally import TooFew, tally
from genba.learn.federated.total import NoSum, plain
from genba.learn.recipe.catalog import recipe_of
from genba.learn.registry.history import History, What
from genba.learn.registry.store import Registry

FOUR = SITES[:4]


class Killed(Exception):
    """A site ends without a word."""


QUICK = {"sites": FOUR, "recipes": ["line"]}
THREE = SITES[:3]
QUICKEST = {"sites": THREE, "recipes": ["line"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    return identities(tmp_path_factory.mktemp("pki"), SITES, hub=True)


@pytest.mark.parametrize("kind", ["number", "two"])
def test_sites_train_one_candidate_and_all_have_it(made: dict, tmp_path: Path, kind: str) -> None:
    more = (
        {"network": {"hidden": 3, "rounds": 1, "epochs": 1, "polish": 2}}
        if kind == "number"
        else {}
    )
    recipes = ["line", "network"] if kind == "number" else ["line"]
    plan = plan_for(kind, sites=THREE, recipes=recipes, **more)
    works = Federation(plan, made, tmp_path, lambda site: rows_of(site, kind=kind))
    candidate = works.run()
    assert works.errors == {}
    assert set(works.results) == set(THREE)
    for result in works.results.values():
        files, _ = checked_files(plan, result)
        assert files == candidate.files
    what_was_changed_is_not_kept(plan, result)
    card = candidate.card
    assert set(card.lineage["sites"]) == set(THREE)
    assert rows_of("east", kind=kind).digest() not in str(card.as_json())
    kept = candidate.keep(Registry(tmp_path / "models", tmp_path / "key"), "2026-01-05T06:00:00Z")
    again = recipe_of(kept.card).restore(kept.parts())
    inputs = kept.rows()["inputs"].astype(np.float64)
    assert np.allclose(again.predict(inputs).value, kept.rows()["value"], atol=1e-6)
    figure = {"number": "rmse", "two": "auc"}[kind]
    by_name = {row["recipe"]: row["tested"][figure] for row in card.rungs}
    better = np.less if kind == "number" else np.greater
    assert better(by_name["shared line"], by_name["usual"])
    workers = [ready(plan, works.data(name), name) for name in THREE]
    design, view = plan.design(), plan.design().view()
    standards, _, _ = standards_of(plain(workers), design, view)
    line = line_of(plain(workers), design, view, standards)
    (shared,) = [r.model for r in candidate.climb.rungs if r.recipe.name == "shared line"]
    assert np.abs(shared.parts()["flat"] - line.flat).max() < 1e-6


def what_was_changed_is_not_kept(plan: Plan, result: Message) -> None:
    other = dict(result.arrays) | {"model.onnx": np.frombuffer(b"something", np.uint8)}
    with pytest.raises(LearnError, match="the ONNX graph is not that of the model"):
        checked_files(plan, replace(result, arrays=other))
    with pytest.raises(LearnError, match="not the five files of a model"):
        checked_files(plan, replace(result, arrays={**result.arrays, "../evil": np.zeros(1)}))
    others = plan_of(plan.as_json() | {"seed": 3}, "")
    with pytest.raises(LearnError, match="the card tells of another plan"):
        checked_files(others, result)


def test_a_site_that_falls_silent_is_left_out_and_comes_back(made: dict, tmp_path: Path) -> None:
    works = Federation(plan_for(wait_s=1.5, **QUICK), made, tmp_path)
    listener = listening()
    listener.listen()
    url = f"https://localhost:{listener.getsockname()[1]}"
    fallen: list[str] = []

    class Falls(Site):
        def handle(self, number: int, content: bytes) -> bytes:
            if len(works.sums) == 3 and b'"stage":"masked"' in content and not fallen:
                fallen.append(self.name)
                raise Killed
            return super().handle(number, content)

    def wrapped(site: Site) -> Site:
        if site.name == "mid" and not fallen:
            site.__class__ = Falls
        return site

    works.wrapped = wrapped

    def on_sum(one: Asked) -> None:
        if one.lost == ("mid",) and len(works.threads) == 4:
            works.join("mid", url)

    works.on_sum = on_sum
    for name in FOUR:
        works.join(name, url)
    candidate = works.run(listener, join=False)
    for thread in works.threads:
        thread.join(20)
    assert fallen == ["mid"]
    assert works.sums[3].lost == ("mid",)
    assert works.errors == {}
    assert set(works.results) == set(FOUR)
    told = next(limit for limit in candidate.card.limits if "Not every site" in limit)
    assert "mid in" in told


def test_a_hub_that_is_started_anew_asks_nothing_again(made: dict, tmp_path: Path) -> None:
    works = Federation(plan_for(**QUICKEST), made, tmp_path)
    listener = listening()
    listener.listen()
    port = listener.getsockname()[1]
    for name in THREE:
        works.join(name, f"https://localhost:{port}")

    def stop(one: Asked) -> None:
        if len(works.sums) == 5:
            raise KeyboardInterrupt

    works.on_sum = stop
    with pytest.raises(KeyboardInterrupt):
        works.run(listener, join=False)
    works.on_sum = lambda one: None
    works.run(listening(port), join=False)
    for thread in works.threads:
        thread.join(20)
    assert set(works.results) == set(THREE)
    assert [one.kept for one in works.sums[5:11]] == [True] * 5 + [False]
    summed = [
        e for e in History(tmp_path / "hub" / "federation.jsonl").events() if e.what is What.SUMMED
    ]
    asked = [event.data["question"] for event in summed]
    assert len(asked) == len(set(asked))


def test_numbers_that_nobody_honest_sends_stop_the_run_with_the_reason(
    made: dict, tmp_path: Path
) -> None:
    """What a site masks cannot be seen; that the sum makes no sense can."""
    works = Federation(plan_for(**QUICKEST), made, tmp_path)

    def wrapped(site: Site) -> Site:
        if site.name == "mid":
            right = site.worker.answer
            site.worker.answer = lambda question: right(question) - 1e6
        return site

    works.wrapped = wrapped
    with pytest.raises(LearnError, match="the sum over all sites makes no sense"):
        works.run()
    assert all("look at each site's ledger" in text for text in works.errors.values())
    assert len(works.errors) == 3


def test_a_site_whose_answer_is_no_number_spoils_nothing(made: dict, tmp_path: Path) -> None:
    works = Federation(plan_for(**QUICK), made, tmp_path)

    def wrapped(site: Site) -> Site:
        if site.name == "north":
            right = site.worker.answer
            site.worker.answer = lambda question: right(question) * np.nan
        return site

    works.wrapped = wrapped
    works.run()
    assert {one.lost for one in works.sums} == {("north",)}
    assert any("of this site's answer is not finite, and is not sent" in x for x in works.heard)
    events = History(tmp_path / "north" / "federated.jsonl").events()
    refused = [event for event in events if event.what is What.REFUSED]
    assert len(refused) == len(works.sums)


def test_where_too_few_sites_come_it_says_so(made: dict, tmp_path: Path) -> None:
    works = Federation(plan_for(gather_s=0.5, **QUICK), made, tmp_path)
    listener = listening()
    with pytest.raises(NoSum, match="0 of 4 sites came"):
        works.run(listener, join=False)


# -- who is let in ---------------------------------------------------------------------------


@pytest.fixture
def hub(made: dict, tmp_path: Path):
    """A hub that waits for sites; gives its address and plan."""
    works = Federation(plan_for(gather_s=30, **QUICK), made, tmp_path)
    listener = listening(host="0.0.0.0")
    listener.listen()
    thread = threading.Thread(target=lambda: _quiet(works, listener), daemon=True)
    thread.start()
    while not works.heard:
        thread.join(0.01)
    return f"https://localhost:{listener.getsockname()[1]}", works


def _quiet(works: Federation, listener: socket.socket) -> None:
    with contextlib.suppress(LearnError):
        works.run(listener, join=False)


def test_strangers_are_not_let_in(made: dict, hub, tmp_path: Path) -> None:
    url, _ = hub
    authority = made["east"].authority
    others = identities(tmp_path / "others", ["east"])
    stranger = Identity(authority, others["east"].certificate, others["east"].key)
    line = Line(url, stranger)
    with pytest.raises(LearnError, match="does not believe this site's certificate"):
        line.plan()
    unlisted = _signed(tmp_path, "unlisted", authority)
    with pytest.raises(LearnError, match="site 'unlisted' is not in the plan"):
        Line(url, unlisted).plan()
    as_hub = Identity(authority, made["hub"].certificate, made["hub"].key)
    with pytest.raises(LearnError, match="does not believe this site's certificate"):
        Line(url, as_hub).plan()
    with pytest.raises(httpx.TransportError), httpx.Client(verify=False) as nobody:
        nobody.get(f"{url}/v1/plan")


def test_a_certificate_that_ran_out_is_refused(made: dict, hub, tmp_path: Path) -> None:
    url, _ = hub
    authority = made["east"].authority
    old = _signed(tmp_path, "mid", authority, NOW - dt.timedelta(days=30), days=3)
    with pytest.raises(LearnError, match="and not now; sign a new one"):
        old.check(NOW)
    with pytest.raises(LearnError, match="does not believe this site's certificate"):
        Line(url, old).plan()


def test_a_hub_that_is_somebody_else_is_not_believed(made: dict, hub) -> None:
    url, _ = hub
    with pytest.raises(LearnError, match="call the hub by a name in its certificate"):
        Line(url.replace("localhost", "127.0.0.2"), made["east"]).plan()


def _signed(
    folder: Path, name: str, authority: Path, since: dt.datetime = NOW, days: int = 30
) -> Identity:
    certificate = sign_request(authority, make_request(folder, name), since, days)
    return Identity(authority, certificate, folder / f"{name}.key")


def test_another_plan_or_another_format_is_refused(made: dict, hub) -> None:
    url, works = hub
    line = Line(url, made["east"])
    with pytest.raises(LearnError, match="agreed to another plan than the hub's"):
        line.hello(plan_for(seed=5, **QUICK), "0" * 64)
    with pytest.raises(LearnError, match="does not say which data"):
        line.hello(works.plan, "")
    line.hello(works.plan, "1" * 64)
    with pytest.raises(LearnError, match="brings other data than it did before"):
        line.hello(works.plan, "2" * 64)
    told = {"plan": works.plan.digest(), "format": 2, "data": "0" * 64}
    with pytest.raises(LearnError, match="speaks format 2 of sums and the hub 1"):
        line._sent("POST", "/v1/hello", json=told)


# -- replay ----------------------------------------------------------------------------------


def test_an_answer_is_taken_once_and_a_question_too(made: dict, tmp_path: Path) -> None:
    works = Federation(plan_for(**QUICKEST), made, tmp_path)
    seen: list[tuple[int, bytes, bytes]] = []
    again: list[int] = []

    class Repeats(Site):
        def handle(self, number: int, content: bytes) -> bytes:
            if seen and len(again) < 2:
                line = Line(url, made["north"])
                for answer in (seen[-1][2], b"nothing"):
                    sent = line._client.post(f"/v1/answer/{seen[-1][0]}", content=answer)
                    again.append(sent.status_code)
                with pytest.raises(LearnError, match="it is not answered twice"):
                    super().handle(*seen[-1][:2])
            answer = super().handle(number, content)
            seen.append((number, content, answer))
            return answer

    def wrapped(site: Site) -> Site:
        if site.name == "north":
            site.__class__ = Repeats
        return site

    works.wrapped = wrapped
    listener = listening()
    listener.listen()
    url = f"https://localhost:{listener.getsockname()[1]}"
    for name in THREE:
        works.join(name, url)
    works.run(listener, join=False)
    for thread in works.threads:
        thread.join(20)
    assert again == [409, 403]
    assert works.errors == {}
    before = works.site("north")  # a site that was started anew knows what it answered
    for number, content, _ in seen:
        with pytest.raises(LearnError, match=r"not answered twice|does not know that sum"):
            before.handle(number, content)


def test_what_goes_beyond_the_plan_is_not_answered(made: dict, tmp_path: Path) -> None:
    plan = plan_for(**QUICK)
    worker = ready(plan, rows_of("east"), "east")
    site = Site(plan, worker, made["east"], tmp_path, now)
    for facts, said in (
        ({"kind": "losses", "ring": "wide", "part": "secrets"}, "goes beyond the plan"),
        ({"kind": "train", "ring": "narrow", "round": 99}, "goes beyond the plan"),
        ({"kind": "means", "ring": "narrow"}, "in another ring"),
        ({"kind": "means"}, "lacks its 'ring'"),
    ):
        told = Message({"stage": "keys", "session": "s", "question": facts})
        with pytest.raises(LearnError, match=said):
            site.handle(site.last + 1, told.pack())
    for content in (b"", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x04null"):
        with pytest.raises(LearnError, match="damaged or of another version"):
            site.handle(site.last + 1, content)
    site._sums = plan.most_sums
    told = Message({"stage": "keys", "session": "s", "question": {"kind": "means", "ring": "wide"}})
    with pytest.raises(LearnError, match="ask why"):
        site.handle(site.last + 1, told.pack())


def test_products_are_summed_in_one_circle_however_the_question_is_put(
    made: dict, tmp_path: Path
) -> None:
    plan = plan_for(sites=SITES)
    authority = Roster.at(made["east"].authority)
    sites = {
        name: Site(plan, ready(plan, rows_of(name), name), made[name], tmp_path / name, now)
        for name in SITES
    }
    refused: list[str] = []
    numbers = iter(range(1, 1000))

    def ask(told):
        answers = {}
        for name, message in told.items():
            try:
                answer = sites[name].handle(next(numbers), message.pack())
                answers[name] = Message.unpack(answer)
            except LearnError as error:
                refused.append(str(error))
        return answers

    size = 4 + 1 + 12

    def summed(circle, **more: object) -> None:
        question = Message({"kind": "means", "ring": "wide", **more})
        tally(ask, circle, question, size, lambda der: authority.name_of(der, NOW))

    summed(SITES)
    summed(SITES, put="otherwise")
    with pytest.raises(TooFew):
        summed(SITES[1:], put="again")
    assert "the difference of two sums tells what one site said" in refused[0]
    worker = ready(plan, rows_of("mid"), "mid")
    sites["mid"] = Site(plan, worker, made["mid"], tmp_path / "mid", now)  # started anew
    with pytest.raises(TooFew):
        summed(SITES[:4], put="once more")
