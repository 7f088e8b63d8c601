"""VDA 5050 messages: read and checked on the way in, given their header on the way out."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from genba.connect.vda5050_schema import checker
from genba.plant import US, format_time

Json = dict[str, Any]
_HEADER_ROUND = 2**32
Outcome = Callable[[Json], str | None]
"""Asked of each state: "" if the vehicle took a message, why not if it did not, else None."""


class Header:
    """Fills the header of outgoing messages: ``headerId`` counts up per topic, from 0."""

    def __init__(self, version: str, manufacturer: str, serial: str) -> None:
        self._fixed = {"version": version, "manufacturer": manufacturer, "serialNumber": serial}
        self._next: dict[str, int] = {}

    def complete(self, topic: str, body: Json, now: int) -> Json:
        """Return ``body`` with the next header; whatever header it brought is replaced."""
        number = self._next.get(topic, 0)
        return {**body, "headerId": number, "timestamp": timestamp(now), **self._fixed}

    def sent(self, topic: str) -> None:
        """Count a message that was sent."""
        self._next[topic] = (self._next.get(topic, 0) + 1) % _HEADER_ROUND


class Arrivals:
    """Watches the headers of what comes: ``headerId`` counts up per topic, from 0."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}

    def clear(self) -> None:
        """Begin anew: the next message of each topic is the first."""
        self._last.clear()

    def take(self, topic: str, number: int, when: int) -> int:
        """Take a header; give back how many messages are missing before it.

        A number that is not the next, though earlier in time, belongs to a message that was
        overtaken. A lower one that is later in time belongs to a vehicle that started anew. The
        topic ``connection`` is not judged: its last message may be a will that was written long
        before.

        Raises
        ------
        ValueError
            If a newer message came before.
        """
        if topic == "connection":
            return 0
        before, self._last[topic] = self._last.get(topic), (number, when)
        if before is None:
            return 0
        ahead = (number - before[0]) % _HEADER_ROUND
        if ahead < _HEADER_ROUND // 2:
            return max(0, ahead - 1)
        if when < before[1]:
            self._last[topic] = before
            raise ValueError(f"header {number} came behind {before[0]} and is older")
        return 0


def check_sender(message: Json, manufacturer: str, serial: str) -> None:
    """Hold the header against the vehicle whose topic it came on.

    Raises
    ------
    ValueError
        If it names another.
    """
    theirs = (message["manufacturer"], message["serialNumber"])
    if theirs != (manufacturer, serial):
        raise ValueError(
            f"its header names vehicle {theirs[0]}/{theirs[1]}, the topic {manufacturer}/{serial}"
        )


def timestamp(when: int) -> str:
    """ISO 8601 in UTC with milliseconds, ``YYYY-MM-DDTHH:mm:ss.fffZ``; ``when`` in microseconds."""
    seconds, rest = divmod(when, US)
    return f"{format_time(seconds * US)[:-1]}.{rest // 1000:03d}Z"


def parse_message(major: int, topic: str, payload: bytes) -> Json:
    """Read an incoming message and hold it against the schema of its topic.

    Raises
    ------
    ValueError
        Saying what is wrong with it.
    """
    try:
        message = json.loads(payload, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no valid JSON ({error})") from None
    check_message(major, topic, message)
    theirs = message["version"].split(".")[0]
    if theirs != str(major):
        raise ValueError(f"it is of version {message['version']}, the plant file says {major}.x")
    return dict(message)


def check_message(major: int, topic: str, message: Json) -> None:
    """Hold a message against the schema of its topic.

    Raises
    ------
    ValueError
        Saying where and how it differs.
    """
    wrong = checker(major, topic)(message)
    if wrong is not None:
        raise ValueError(wrong.removeprefix(": "))


def parse_body(text: str) -> Json:
    """Read the JSON text of a setpoint.

    Raises
    ------
    ValueError
        If it is no JSON object.
    """
    try:
        body = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no valid JSON ({error})") from None
    if not isinstance(body, dict):
        raise ValueError(f"a JSON {type(body).__name__}, not an object")  # noqa: TRY004
    return body


def number_order(order: Json, last: Json | None) -> Json:
    """Give ``order`` its ``orderUpdateId`` where it has none, and check one that it has.

    An update of the same order counts up; a new order begins at 0.

    Raises
    ------
    ValueError
        If the update would be ignored or refused by the vehicle, because its id does not rise.
    """
    before = last["orderUpdateId"] if last and last["orderId"] == order.get("orderId") else -1
    if "orderUpdateId" not in order:
        return {**order, "orderUpdateId": before + 1}
    update = order["orderUpdateId"]
    if isinstance(update, int) and update <= before:
        raise ValueError(
            f"orderUpdateId {update} of order '{order.get('orderId')}' was already taken "
            f"(the last is {before}); leave it out, or count it up"
        )
    return order


def order_outcome(order: Json, before: Json | None = None) -> Outcome:
    """Tell from states whether the vehicle took ``order``; ``before`` is that it was sent in."""
    wanted = (order["orderId"], order["orderUpdateId"])

    def outcome(state: Json) -> str | None:
        if (state["orderId"], state["orderUpdateId"]) == wanted:
            return ""
        return _complaint(state, before, "orderId", {order["orderId"]})

    return outcome


def actions_outcome(message: Json, before: Json | None = None) -> Outcome:
    """Tell from states whether the vehicle took all the instant actions of ``message``."""
    wanted = {action["actionId"] for action in message["actions"]}

    def outcome(state: Json) -> str | None:
        listed = (*state["actionStates"], *state.get("instantActionStates", ()))
        if wanted <= {entry["actionId"] for entry in listed}:
            return ""
        return _complaint(state, before, "actionId", wanted)

    return outcome


def _complaint(state: Json, before: Json | None, key: str, ids: set[str]) -> str | None:
    """Find the error that speaks of what was sent.

    It refers to it by id. Vehicles that leave out the references mean what they just received,
    if the error is new and of a type that tells of refused messages.
    """
    known = Counter(_text(error) for error in before["errors"]) if before else Counter()
    known.subtract(_text(error) for error in state["errors"])
    for error in state["errors"]:
        references = error.get("errorReferences", ())
        if any(r["referenceKey"] == key and r["referenceValue"] in ids for r in references):
            return _text(error)
        tells = any(word in error["errorType"].lower() for word in _REFUSALS[key])
        if not references and tells and known[_text(error)] < 0:
            return _text(error)
    return None


_REFUSALS = {"orderId": ("order", "route", "validation"), "actionId": ("action", "validation")}


def _text(error: Json) -> str:
    return f"{error['errorType']}: {error.get('errorDescription', 'no description')}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
