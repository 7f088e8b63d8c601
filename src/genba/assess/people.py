"""What the people of a plant cost, by their calendars."""

from genba.assess.elements import Amount
from genba.plant import Plant
from genba.plant.worktime import planned_busy_s


def people_cost(plant: Plant, start: int, end: int, calendar: str | None = None) -> Amount:
    """Cost of everybody who is present in ``[start, end)``, of one calendar or of all.

    People without a calendar or with an hourly cost of 0 cost nothing here.
    """
    calendars = {c.id: c for c in plant.calendars}
    cost = 0.0
    for person in plant.people:
        if person.calendar is None or (calendar is not None and person.calendar != calendar):
            continue
        present_s = planned_busy_s(calendars.get(person.calendar), start, end)
        if present_s is not None:
            cost += present_s / 3600.0 * person.hourly_cost * person.count
    return cost
