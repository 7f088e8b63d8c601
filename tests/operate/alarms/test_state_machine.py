"""Whatever happens to an alarm, in any order: no illegal step, nothing hidden speaks, none lost."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.operate.alarms.pump import OFF, PUMP, Desk

from genba.errors import Refused
from genba.operate.alarms import MOST_SHELVED_S, AlarmEvent
from genba.operate.alarms.journal import replay
from genba.operate.alarms.transitions import LATCHED, LEAVING, PEOPLE, PROCESS
from genba.plant import US, AlarmState

S, E = AlarmState, AlarmEvent
HIDDEN = {S.SHELVED, S.SUPPRESSED, S.OUT_OF_SERVICE}
PRESSURE, PLAIN = f"{PUMP}.pressure:limit_low", f"{PUMP}.heat:limit_high"
NAMES = (PRESSURE, PLAIN)
SIDES = {PRESSURE: (0.5, 4.0), PLAIN: (95.0, 20.0)}
"""Values that raise and that return each alarm. The first latches, waits, and is suppressed."""


class Operators(RuleBasedStateMachine):
    """A pump, its judges, its operators and the clock."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk()

    names = st.sampled_from(NAMES)

    @rule(name=names, bad=st.booleans())
    def measure(self, name: str, bad: bool) -> None:
        self.desk.see(name.split(":", maxsplit=1)[0], SIDES[name][0 if bad else 1])

    @rule(running=st.booleans())
    def switch(self, running: bool) -> None:
        self.desk.see(f"{PUMP}.state", 6 if running else OFF)

    @rule(seconds=st.sampled_from([1, 7, 40, 3000, 90_000]))
    def wait(self, seconds: int) -> None:
        self.desk.wait(seconds)

    @rule(name=names, what=st.sampled_from(["acknowledge", "reset", "unshelve", "put_back"]))
    def act(self, name: str, what: str) -> None:
        self._try(lambda: getattr(self.desk.alarms, what)(name, self.desk.now, "mori"))

    @rule(name=names, minutes=st.integers(-1, 600))
    def shelve(self, name: str, minutes: int) -> None:
        alarms, now = self.desk.alarms, self.desk.now
        self._try(lambda: alarms.shelve(name, now, "mori", minutes * 60.0, "being mended"))

    @rule(name=names, comment=st.sampled_from(["", "sensor is broken"]))
    def remove(self, name: str, comment: str) -> None:
        self._try(lambda: self.desk.alarms.remove(name, self.desk.now, "sato", comment))

    def _try(self, action: Any) -> None:
        before = len(self.desk.rows)
        state = {a.id: a.state for a in self.desk.alarms.all()}
        try:
            action()
            done = 1
        except Refused:
            done = 0
        assert len(self.desk.rows) == before + done, "what was refused is not in the journal"
        assert done or state == {a.id: a.state for a in self.desk.alarms.all()}

    @precondition(lambda self: self.desk.rows)
    @rule()
    def restart(self) -> None:
        """A core that is killed and started again knows what the one before knew."""
        before = {a.id: _facts(a) for a in self.desk.alarms.all()}
        self.desk.restart()
        assert {a.id: _facts(a) for a in self.desk.alarms.all()} == before

    @invariant()
    def every_step_is_one_of_the_figure(self) -> None:
        state = dict.fromkeys(NAMES, S.NORMAL)
        for row in self.desk.transitions():
            before, event, after = S(row["before"]), E(row["event"]), S(row["after"])
            assert state.get(row["alarm"], S.NORMAL) is before, "no step is missing"
            state[row["alarm"]] = after
            if event in LEAVING:
                assert LEAVING[event] is before
                assert after in {S.NORMAL, S.UNACKNOWLEDGED, S.SUPPRESSED}
                assert (after is S.UNACKNOWLEDGED) <= row["active"]
            else:
                known = [table.get((before, event)) for table in (PROCESS, LATCHED, PEOPLE)]
                assert after in known

    @invariant()
    def nothing_hidden_annunciates(self) -> None:
        for row in self.desk.transitions():
            if S(row["before"]) in HIDDEN and row["after"] == S.UNACKNOWLEDGED:
                assert E(row["event"]) in LEAVING

    @invariant()
    def what_is_shelved_comes_back(self) -> None:
        for alarm in self.desk.alarms.all():
            if alarm.state is S.SHELVED:
                assert alarm.until is not None
                assert self.desk.now < alarm.until
                assert alarm.until <= alarm.since + MOST_SHELVED_S[alarm.priority] * US
            else:
                assert alarm.until is None

    @invariant()
    def what_holds_is_shown_or_hidden_on_purpose(self) -> None:
        for alarm in self.desk.alarms.all():
            if alarm.active:
                assert alarm.state in {S.UNACKNOWLEDGED, S.ACKNOWLEDGED, *HIDDEN}
            else:
                assert alarm.state not in {S.UNACKNOWLEDGED, S.ACKNOWLEDGED}
            if alarm.state is S.SUPPRESSED:
                assert self.desk.live.value(f"{PUMP}.state") == OFF

    @invariant()
    def the_journal_replays_to_what_is(self) -> None:
        told = replay(self.desk.plant, self.desk.newest())
        for alarm in self.desk.alarms.all():
            if alarm.id in told:
                assert _facts(told[alarm.id]) == _facts(alarm)
            else:
                assert alarm.state is S.NORMAL
                assert not alarm.active

    @invariant()
    def every_annunciation_is_counted(self) -> None:
        shown = [r for r in self.desk.transitions() if r["after"] == S.UNACKNOWLEDGED]
        assert self.desk.annunciated() == len(shown)


def _facts(alarm: Any) -> tuple[Any, ...]:
    return (
        *(alarm.state, alarm.active, alarm.since, alarm.raised, alarm.until),
        *(alarm.by, alarm.comment, alarm.first_out),
        *((alarm.text, alarm.value) if alarm.raised else ()),
    )


TestOperators = Operators.TestCase
TestOperators.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
