"""A small plant as text, and what is said of it after a change."""

from genba.plant import Problem, Weight
from genba.plant.load import examine_text

SMALL = """\
genba: 1
id: small
timezone: Europe/Lisbon
connections:
  - {id: c, driver: opcua, url: "opc.tcp://127.0.0.1:4840"}
equipment:
  - {id: hall, level: area}
  - id: mill
    parent: hall
    calendar: day
    connection: c
    signals:
      - {id: t, address: "s=t", unit: Cel, range: {low: 0, high: 100}, limits: {high: 80}}
      - {id: people, address: "s=p", kind: state, type: int, range: {low: 0, high: 9}}
      - {id: door, address: "s=d", kind: state, type: bool}
      - {id: sp, address: "s=sp", kind: setpoint, unit: Cel, range: {low: 0, high: 100}}
      - {id: state, role: state, address: "s=st", kind: state, type: int}
      - {id: energy, role: energy, address: "s=e", kind: counter, unit: kWh}
  - {id: saw, parent: hall, calendar: day, connection: c}
  - id: amr
    parent: hall
    connection: c
    signals:
      - {id: order, role: vehicle_order, address: "s=o", kind: setpoint, type: json}
      - {id: order_id, role: vehicle_order_id, address: "s=oi", kind: state, type: string}
      - {id: node, role: vehicle_node, address: "s=n", kind: state, type: string}
      - {id: left, role: vehicle_nodes_left, address: "s=l", kind: state, type: int}
      - {id: actions, role: vehicle_actions, address: "s=a", kind: state, type: json}
products:
  - id: gear
    lot_size: 10
    routing:
      - {id: saw, alternatives: [{equipment: saw, cycle_s: 20}]}
      - {id: mill, alternatives: [{equipment: mill, cycle_s: 60, setup_family: f, tools: [vise], skill: milling}]}
setup_families: [{id: f}]
setup_times: [{equipment: mill, duration_s: 600}]
tools: [{id: vise}]
skills: [milling]
people: [{id: team, skills: [milling], calendar: day}]
calendars:
  - id: day
    timezone: Europe/Lisbon
    shifts:
      - {id: early, days: [mon, tue], start: "06:00", end: "14:00", breaks: [{start: "10:00", end: "10:30"}]}
      - {id: night, days: [mon], start: "22:00", end: "06:00"}
vehicles: [{id: amr, home: n1}]
layout:
  nodes:
    - {id: n1, x_m: 0, y_m: 0, station: saw}
    - {id: n2, x_m: 9, y_m: 0, station: mill}
  edges:
    - {id: e1, start: n1, end: n2}
tariffs: []
interlocks:
  - {id: hot, when: mill.t > 90, signals: [mill.sp], allow: value <= 50}
autonomy: [{equipment: "m*", level: observe}]
orders:
  - {id: O-1, product: gear, quantity: 5, release: "2026-01-05T06:00:00Z", due: "2026-01-05T18:00:00Z"}
"""  # noqa: E501 - a plant file as people write it


def changed(old: str, new: str) -> str:
    """The small plant with one text replaced, which must be there once."""
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def said_of(text: str) -> list[str]:
    """What is said of a plant file, each as ``severity file:line: where: text; mend``."""
    examined = examine_text(text)
    return [f"{p.severity} {examined.tell(p)}" for p in examined.problems]


def errors_of(text: str) -> list[Problem]:
    """The errors of a plant file, without those of routings that have no job interface."""
    return [p for p in examine_text(text).problems if p.severity is Weight.ERROR]
