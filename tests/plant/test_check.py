# ruff: noqa: E501 - a table of slips reads better with one slip in a row
"""What does not fit together in a plant file gets one clear line each."""

import pytest
from tests.plant.plants import SMALL, changed, errors_of, said_of


def test_the_small_plant_has_no_errors() -> None:
    assert errors_of(SMALL) == []


SECOND = '\n  - {id: O-1, product: gear, quantity: 1, release: "2026-01-05T06:00:00Z", due: "2026-01-06T06:00:00Z"}\n'


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "mend"),
    [
        # Ids that stand twice.
        ("id: people, address", "id: t, address", "equipment[mill].signals[mill.t].id", "'mill.t' is there twice", "rename"),
        ("connections:\n", "connections:\n  - {id: c, driver: opcua, url: x}\n", "connections[c].id", "'c' is there twice", "rename"),
        ("- {id: saw, parent: hall", "- {id: mill, parent: hall", "equipment[mill].id", "'mill' is there twice", "rename"),
        ("- {id: n2, x_m", "- {id: n1, x_m", "layout.nodes[n1].id", "'n1' is there twice", "rename"),
        ("id: night", "id: early", "calendars[day].shifts[early].id", "'early' is there twice", "rename"),
        ("- {id: mill, alternatives", "- {id: saw, alternatives", "products[gear].routing[saw].id", "twice", "rename"),
        ("skills: [milling]\npeople", "skills: [milling, milling]\npeople", "skills[2]", "twice", "rename"),
        ("orders:", "orders:" + SECOND.rstrip("\n"), "orders[O-1].id", "'O-1' is there twice", "rename"),
        # Ids that stand for nothing.
        ("  - id: mill\n    parent: hall", "  - id: mill\n    parent: hal", "equipment[mill].parent", "there is no equipment 'hal'", "'hall'"),
        ("    calendar: day\n    connection: c", "    calendar: dy\n    connection: c", "equipment[mill].calendar", "no calendar 'dy'", "'day'"),
        ("calendar: day\n    connection: c", "calendar: day\n    connection: d", "equipment[mill].connection", "no connection 'd'", "choose one of c"),
        ("{equipment: saw, cycle_s: 20}", "{equipment: sew, cycle_s: 20}", "products[gear].routing[saw].alternatives[1].equipment", "no equipment 'sew'", "'saw'"),
        ("setup_family: f,", "setup_family: g,", "alternatives[1].setup_family", "no set-up family 'g'", "choose one of f"),
        ("tools: [vise]", "tools: [vice]", "alternatives[1].tools[1]", "no tool 'vice'", "'vise'"),
        ("skill: milling}", "skill: miling}", "alternatives[1].skill", "no skill 'miling'", "'milling'"),
        ("{equipment: mill, duration_s: 600}", "{equipment: mil, duration_s: 600}", "setup_times[1].equipment", "no equipment 'mil'", "'mill'"),
        ("{equipment: mill, duration_s: 600}", "{equipment: mill, before: h, duration_s: 600}", "setup_times[1].before", "no set-up family 'h'", "f"),
        ("skills: [milling], calendar: day", "skills: [x], calendar: day", "people[team].skills[1]", "no skill 'x'", "milling"),
        ("skills: [milling], calendar: day", "skills: [milling], calendar: x", "people[team].calendar", "no calendar 'x'", "day"),
        ("home: n1", "home: n9", "vehicles[amr].home", "no node 'n9'", "choose one of n1, n2"),
        ("vehicles: [{id: amr,", "vehicles: [{id: agv,", "vehicles[agv].id", "no equipment 'agv'", "vehicle_* roles"),
        ("station: saw", "station: sow", "layout.nodes[n1].station", "no equipment 'sow'", "'saw'"),
        ("start: n1, end: n2", "start: n1, end: n5", "layout.edges[e1].end", "no node 'n5'", "choose one of n1, n2"),
        ("product: gear", "product: gera", "orders[O-1].product", "no product 'gera'", "'gear'"),
        ('equipment: "m*"', 'equipment: "x*"', "autonomy[1].equipment", "'x*' fits no equipment", "choose one of amr, hall, mill, saw"),
        # Units, ranges, limits, roles.
        ("unit: Cel, range: {low: 0, high: 100}, limits", "unit: degC, range: {low: 0, high: 100}, limits", "signals[mill.t].unit", "'degC' is not known", "'Cel'"),
        ("unit: kWh", "unit: kW", "signals[mill.energy].unit", "'kW' is another kind", "'kWh'"),
        ("limits: {high: 80}", "limits: {high: 180}", "signals[mill.t].limits.high", "180 lies outside", "move the limit"),
        ("limits: {high: 80}", "limits: {high: 80, high_high: 70}", "signals[mill.t].limits", "high 80 is not below high_high 70", "order"),
        ("limits: {high: 80}", "limits: {low: 90, high: 80}", "signals[mill.t].limits", "low 90 is not below high 80", "order"),
        ("range: {low: 0, high: 9}", "range: {low: 9, high: 0}", "signals[mill.people].range", "low 9 is not below high 0", "lowest"),
        ("kind: state, type: bool}", "kind: state, type: bool, unit: K}", "signals[mill.door].unit", "a bool has no unit", "leave"),
        ("kind: state, type: bool}", "kind: state, type: bool, deadband: 1}", "signals[mill.door].deadband", "a bool has no deadband", "leave"),
        ("limits: {high: 80}", "scale: 0", "signals[mill.t].scale", "every value alike", "factor"),
        ("role: energy", "role: state", "signals[mill.energy].role", "plays the role state already", "once"),
        ('address: "s=e", kind: counter', 'address: "s=e", kind: measurement', "signals[mill.energy].kind", "not by a measurement", "kind: counter"),
        ('address: "s=st", kind: state, type: int', 'address: "s=st", kind: state, type: bool', "signals[mill.state].type", "not bool", "type: int"),
        ('{id: sp, address: "s=sp", kind: setpoint, unit: Cel, range: {low: 0, high: 100}}', '{id: sp, role: job_request, address: "s=sp", kind: setpoint, type: int}', "equipment[mill].signals", "lacks mode, lots", "add signals"),
        ("- {id: node, role: vehicle_node, ", "- {id: node, ", "vehicles[amr]", "lack vehicle_node", "add signals"),
        # Hierarchy, ways, time.
        ("- {id: hall, level: area}", "- {id: hall, level: area, parent: mill}", "equipment[hall].parent", "lies within itself: hall in mill in hall", "another parent"),
        ("    - {id: e1, start: n1, end: n2}", "    - {id: e1, start: n1, end: n2, one_way: true}", "layout.nodes[n2]", "no vehicle can reach station 'mill' and come back", "one_way"),
        ("end: n2}", "end: n2, kinds: [hoist]}", "layout.nodes[n2]", "no vehicle can reach station 'mill'", "add edges"),
        ("start: n1, end: n2", "start: n1, end: n1", "layout.edges[e1]", "n1 to itself", "another end"),
        ("timezone: Europe/Lisbon\nconn", "timezone: Europe/Lisbonn\nconn", "timezone", "no time zone 'Europe/Lisbonn'", "UTC"),
        ('start: "22:00", end: "06:00"', 'start: "22:00", end: "06:30"', "calendars[day].shifts[early]", "on tue it begins before shift 'night' ends", "let one end"),
        ('start: "10:00", end: "10:30"', 'start: "13:45", end: "14:30"', "shifts[early].breaks[1]", "does not lie in its shift", "move"),
        ('breaks: [{start: "10:00"', 'breaks: [{start: "10:15", end: "10:45"}, {start: "10:00"', "shifts[early].breaks", "two breaks overlap", "move"),
        ('due: "2026-01-05T18:00:00Z"', 'due: "2026-01-05T05:00:00Z"', "orders[O-1].due", "not after its release", "correct"),
        ('due: "2026-01-05T18:00:00Z"', 'due: "0026-01-05T18:00:00Z"', "orders[O-1].due", "long past", "2026"),
        ("setup_times: [", "setup_times: [{equipment: mill, duration_s: 60}, ", "setup_times[2]", "is there twice", "keep one"),
        ("alternatives: [{equipment: saw, cycle_s: 20}]", "alternatives: [{equipment: saw, cycle_s: 20}, {equipment: saw, cycle_s: 30}]", "alternatives[2].equipment", "already", "keep one"),
        # Interlocks.
        ("when: mill.t > 90", "when: mil.t > 90", "interlocks[hot].when", "no signal 'mil.t'", "'mill.t'"),
        ("when: mill.t > 90", "when: mill.t-5 > 90", "interlocks[hot].when", "no signal 'mill.t-5'", "put spaces around '-'"),
        ("when: mill.t > 90", "when: mill.t = 90", "interlocks[hot].when", "'=' is not used", "'=='"),
        ("when: mill.t > 90", "when: mill.t", "interlocks[hot].when", "neither true nor false", "compare"),
        ("when: mill.t > 90", "when: mill.door > 1", "interlocks[hot].when", "true or false", "=="),
        ("when: mill.t > 90", "when: value > 90", "interlocks[hot].when", "in 'allow' only", "name"),
        ("allow: value <= 50", "allow: value == 'x'", "interlocks[hot].allow", "a number with text", "like"),
        ("signals: [mill.sp]", "signals: [mill.spp]", "interlocks[hot].signals[1]", "fits no signal", "'mill.sp'"),
        ("signals: [mill.sp]", "signals: [mill.door]", "interlocks[hot].signals[1]", "fits no setpoint", "setpoints"),
    ],
)  # fmt: skip
def test_an_error(old: str, new: str, where: str, what: str, mend: str) -> None:
    problems = errors_of(changed(old, new))
    fitting = [p for p in problems if where in p.where and what in p.text]
    assert fitting, [str(p) for p in problems]
    assert mend in fitting[0].mend
    assert fitting[0].line > 1


INTERLOCK = "  - {id: hot, when: mill.t > 90, signals: [mill.sp], allow: value <= 50}\n"


def interlocks(*lines: str) -> str:
    return changed(INTERLOCK, "".join(f"  - {line}\n" for line in lines))


def second(text: str) -> str:
    """Give the mill a second setpoint."""
    first = (
        '      - {id: sp, address: "s=sp", kind: setpoint, unit: Cel, range: {low: 0, high: 100}}\n'
    )
    assert text.count(first) == 1
    return text.replace(first, first + first.replace("sp", "sp2"))


def test_interlocks_that_contradict_each_other_are_told_with_an_example() -> None:
    text = interlocks(
        "{id: low, when: mill.t > 50, signals: [mill.sp], allow: value <= 20}",
        "{id: high, when: mill.t > 60 and mill.people == 0, signals: ['mill.*'], allow: value >= 30}",
    )
    (problem,) = errors_of(text)
    assert problem.where == "interlocks[high]"
    assert "contradicts interlock 'low'" in problem.text
    assert "when mill.people = 0 and mill.t = 61, both hold" in problem.text
    assert "'value <= 20' and 'value >= 30'" in problem.text


def test_interlocks_that_never_hold_at_once_do_not_contradict() -> None:
    text = interlocks(
        "{id: low, when: mill.t > 50, signals: [mill.sp], allow: value <= 20}",
        "{id: high, when: mill.t <= 50, signals: [mill.sp], allow: value >= 30}",
    )
    assert errors_of(text) == []


def test_interlocks_that_leave_a_common_value_do_not_contradict() -> None:
    text = interlocks(
        "{id: low, when: mill.t > 50, signals: [mill.sp], allow: value <= 20}",
        "{id: high, when: mill.t > 60, signals: [mill.sp], allow: value >= 20}",
    )
    assert errors_of(text) == []


def test_interlocks_that_block_a_signal_between_them_for_ever() -> None:
    text = interlocks(
        "{id: a, when: mill.t > 50, signals: [mill.sp]}",
        "{id: b, when: mill.t < 60 and mill.door, signals: [mill.sp]}",
        "{id: c, when: not mill.door, signals: [mill.sp]}",
    )
    (problem,) = errors_of(text)
    assert "mill.sp can never be written" in problem.text
    assert "'a', 'b' and 'c'" in problem.text


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{id: x, when: mill.t > 150, signals: [mill.sp]}", "can never be true"),
        ("{id: x, when: mill.t + mill.people > 110, signals: [mill.sp]}", "can never be true"),
        ("{id: x, when: mill.door and not mill.door, signals: [mill.sp]}", "can never be true"),
        ("{id: x, when: mill.t >= 0 or mill.door, signals: [mill.sp]}", "is always true"),
        ("{id: x, when: mill.t > 5, signals: [mill.sp], allow: value < 0}", "nothing in the range"),
    ],
)  # fmt: skip
def test_an_interlock_without_sense_is_a_warning(line: str, what: str) -> None:
    assert errors_of(interlocks(line)) == []
    assert any(said.startswith("warning ") and what in said for said in said_of(interlocks(line)))


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (
            ["{id: a, when: mill.sp > 50, signals: [mill.sp], allow: value > 50}"],
            "it is a deadlock: when mill.sp = 51, nothing that may be written to mill.sp",
        ),
        (
            [
                "{id: a, when: mill.sp > 50, signals: [mill.sp2], allow: value > 10}",
                "{id: b, when: mill.sp2 > 10, signals: [mill.sp], allow: value > 50}",
            ],
            "together with 'a' it is a deadlock: when mill.sp = 51 and mill.sp2 = 11",
        ),
    ],
)
def test_setpoints_that_hold_each_other_are_told_with_an_example(
    lines: list[str], what: str
) -> None:
    text = second(interlocks(*lines))
    (problem,) = errors_of(text)
    assert what in problem.text


def test_setpoints_that_can_be_freed_are_no_deadlock() -> None:
    text = second(
        interlocks(
            "{id: a, when: mill.sp > 50, signals: [mill.sp2], allow: value > 10}",
            "{id: b, when: mill.sp2 > 10, signals: [mill.sp], allow: value >= 50}",
        )
    )
    assert errors_of(text) == []


def test_a_machine_may_tell_its_operation_without_taking_jobs() -> None:
    told = changed(
        "      - {id: energy, role: energy",
        '      - {id: job, role: job_operation, address: "s=j", kind: state, type: string}\n'
        "      - {id: energy, role: energy",
    )
    assert errors_of(told) == []


def test_a_fleet_that_is_led_by_updates_must_show_how_far_it_is() -> None:
    (problem,) = errors_of(SMALL + "planning: {fleet: true}\n")
    assert "vehicle_order_update, vehicle_sequence, vehicle_loads" in problem.text
