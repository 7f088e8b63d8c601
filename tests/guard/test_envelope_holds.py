"""No sequence of proposals yields a command outside the envelope, and legal ones get through.

The test keeps a model of its own of what is legal, written apart from the guard's code.
"""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.guard.small_plant import Bench, order

from genba.guard import Approval
from genba.plant import US, Command, Decision, Quality, Write

NAMES = st.sampled_from(
    [
        "oven.target",
        "oven.fan",
        "oven.light",
        "oven.note",
        "oven.heartbeat",
        "oven.temperature",
        "oven.door_open",
        "press.job_request",
        "amr.order",
        "hoist.order",
        "nothing.at_all",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 1000),
    st.integers(),
    st.floats(0, 1200),
    st.floats(),
    st.text(max_size=5),
)
ORDERS = [
    order("a", "b"),
    order("a", "b", "c", pick=("b", "L"), drop=("c", "L")),
    order("a", "b", "c", "d"),
    order("b", "c"),
    order("c", "d", major=3),
    order("c", "d", pick=("c", "L"), major=3),
]
UNITS = st.sampled_from(["Cel", "K", "[degF]", "1", "%", "kg", "", "bar"])
KINDS = st.sampled_from(["setpoint", "heartbeat", "dispatch", "transport", "tuning"])
ROLES = st.sampled_from(["viewer", "operator", "engineer", "admin", "root"])
ALMOST = st.one_of(
    st.tuples(
        st.just("setpoint"),
        st.builds(Write, st.just("oven.target"), st.floats(-50, 1000), st.just("Cel")),
    ),
    st.tuples(
        st.just("setpoint"),
        st.builds(Write, st.just("oven.fan"), st.integers(-3, 14), st.just("1")),
    ),
    st.tuples(
        st.just("transport"),
        st.builds(
            Write,
            st.sampled_from(["amr.order", "hoist.order"]),
            st.sampled_from(ORDERS),
            st.just("1"),
        ),
    ),
    st.tuples(
        st.sampled_from(["heartbeat", "setpoint"]),
        st.builds(Write, st.just("oven.heartbeat"), st.integers(0, 9), st.just("1")),
    ),
    st.tuples(
        st.just("dispatch"),
        st.builds(Write, st.just("press.job_request"), st.integers(0, 9), st.just("1")),
    ),
)
"""Right kind and unit: one thing about them may be wrong, and that must count."""


class Plant(RuleBasedStateMachine):
    """Devices that show things, time that passes, and somebody who proposes anything."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.bench.show_all()
        self.temperature = (self.bench.now, 200.0)
        self.door_open: bool | None = False
        self.target = [(self.bench.now, 200.0)]
        self.ids: set[str] = set()

    # -- what devices do ------------------------------------------------------------------

    @rule(seconds=st.floats(0.1, 90))
    def time_passes(self, seconds: float) -> None:
        self.bench.wait(seconds)

    @rule(value=st.floats(0, 1100))
    def oven_shows_its_temperature(self, value: float) -> None:
        self.bench.show("oven.temperature", value)
        self.temperature = (self.bench.now, value)

    @rule(value=st.booleans(), bad=st.booleans())
    def oven_shows_its_door(self, value: bool, bad: bool) -> None:
        self.bench.show("oven.door_open", value, quality=Quality.BAD if bad else Quality.GOOD)
        self.door_open = None if bad else value

    # -- what is proposed -----------------------------------------------------------------

    @rule(
        writes=st.lists(st.builds(Write, NAMES, VALUES, UNITS), max_size=3),
        kind=KINDS,
        role=ROLES,
        approved=st.none() | st.builds(Approval, st.just("ann"), ROLES),
        reuse=st.booleans(),
    )
    def anything_is_proposed(
        self, writes: list[Write], kind: str, role: str, approved: Approval | None, reuse: bool
    ) -> None:
        more = {"id": min(self.ids)} if reuse and self.ids else {}
        proposal = self.bench.propose(*writes, kind=kind, role=role, **more)
        verdict = self.bench.guard.decide(proposal, approved)
        assert (verdict.decision is Decision.REFUSED) == bool(verdict.reasons)
        if verdict.decision is Decision.ALLOWED:
            assert proposal.id not in self.ids
            assert role in ("operator", "engineer", "admin")
            assert approved is None or approved.role in ("operator", "engineer", "admin")
            self.check(self.bench.guard.command(proposal, verdict), approved)
        self.ids.add(proposal.id)

    @rule(
        told=ALMOST, role=ROLES | st.just("operator"), approved=st.booleans(), reuse=st.booleans()
    )
    def something_almost_legal_is_proposed(
        self, told: tuple[str, Write], role: str, approved: bool, reuse: bool
    ) -> None:
        person = Approval("ann", "operator") if approved else None
        self.anything_is_proposed([told[1]], told[0], role, person, reuse)

    @rule(value=st.floats(20, 900))
    def somebody_sets_the_target_at_the_oven(self, value: float) -> None:
        self.bench.show("oven.target", value)
        self.target = [(self.bench.now, value)]

    @precondition(lambda self: self.door_open is False)
    @rule(part=st.floats(-0.99, 0.99), unit=st.sampled_from(["Cel", "K", "[degF]"]))
    def a_legal_target_is_proposed(self, part: float, unit: str) -> None:
        self.oven_shows_its_temperature(300.0)
        value = self.target[-1][1]
        for since, before in self.target:
            seconds = min(60.0, (self.bench.now - since) / US)
            value = min(before + 5 * seconds, max(before - 5 * seconds, value + part * 5 * seconds))
        if any(not self.slow_enough(value, since, before) for since, before in self.target):
            return
        value = min(899.9, max(20.1, value))
        if any(not self.slow_enough(value, since, before) for since, before in self.target):
            return
        shown = {"Cel": value, "K": value + 273.15, "[degF]": value * 1.8 + 32}[unit]
        margin = 1e-6 * (1 if value > self.target[-1][1] else -1)
        proposal = self.bench.propose(Write("oven.target", shown - margin, unit))
        verdict = self.bench.guard.decide(proposal)
        self.ids.add(proposal.id)
        if abs(value - self.target[-1][1]) > 1e-3:
            assert verdict.decision is Decision.ALLOWED, verdict.reasons
        if verdict.decision is Decision.ALLOWED:
            self.check(self.bench.guard.command(proposal, verdict), None)

    @rule(number=st.integers(0, 2**31))
    def a_heartbeat_always_gets_through(self, number: int) -> None:
        beat = self.bench.propose(Write("oven.heartbeat", number, "1"), kind="heartbeat")
        self.ids.add(beat.id)
        assert self.bench.guard.decide(beat).decision is Decision.ALLOWED

    @rule(text=st.sampled_from([order("a", "b"), order("a", "b", "c", pick=("c", "L"))]))
    def a_drivable_order_always_gets_through(self, text: str) -> None:
        proposal = self.bench.propose(Write("amr.order", text, "1"), kind="transport")
        self.ids.add(proposal.id)
        assert self.bench.guard.decide(proposal).decision is Decision.ALLOWED

    # -- the model ------------------------------------------------------------------------

    def slow_enough(self, value: float, since: int, before: float) -> bool:
        return abs(value - before) <= 5 * min(60.0, (self.bench.now - since) / US) + 1e-6

    def check(self, command: Command, approved: Approval | None) -> None:
        """Hold every write of a command against the model; then act on it."""
        assert command.writes
        assert len({write.signal for write in command.writes}) == len(command.writes)
        for write in command.writes:
            match write.signal:
                case "oven.target":
                    self.check_target(write)
                case "oven.fan":
                    assert type(write.value) is int
                    assert 0 <= write.value <= 10
                    self.check_not_hot()
                case "oven.light":
                    assert type(write.value) is bool
                case "oven.note":
                    assert type(write.value) is str
                case "oven.heartbeat":
                    assert type(write.value) is int
                    assert approved is None
                case "press.job_request":
                    assert type(write.value) is int
                    assert approved is not None  # its level is 'approve'
                case "amr.order":
                    assert write.value in (
                        order("a", "b"),
                        order("a", "b", "c", pick=("b", "L"), drop=("c", "L")),
                    )
                case "hoist.order":
                    assert write.value in (
                        order("c", "d", major=3),
                        order("c", "d", pick=("c", "L"), major=3),
                    )
                case other:
                    raise AssertionError(f"{other} must never be written")

    def check_target(self, write: Write) -> None:
        assert write.unit == "Cel"
        assert isinstance(write.value, float | int)
        assert not isinstance(write.value, bool)
        assert math.isfinite(write.value)
        assert 20 <= write.value <= 900
        assert all(self.slow_enough(write.value, since, before) for since, before in self.target)
        assert self.door_open is False or write.value <= 50
        self.check_not_hot()
        # Until the write is read back, the device may stand at the old value or at the new one.
        self.target = [self.target[0], (self.bench.now, float(write.value))]
        self.bench.guard.confirm_written(write, self.bench.now)
        self.target = [(self.bench.now, float(write.value))]

    def check_not_hot(self) -> None:
        seen, value = self.temperature
        assert self.bench.now - seen <= 5 * US
        assert value <= 950


Plant.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestEnvelopeHolds = Plant.TestCase
