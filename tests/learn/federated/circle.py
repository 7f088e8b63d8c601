"""A circle of sites for tests: an authority, certificates, and parties that can fall silent."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.federated.identity import (
    Identity,
    Roster,
    make_authority,
    make_request,
    sign_request,
)
from genba.learn.federated.message import Message
from genba.learn.federated.party import Party
from genba.learn.federated.ring import RINGS

NOW = dt.datetime.now(dt.UTC)


def identities(folder: Path, names: Sequence[str], hub: bool = False) -> dict[str, Identity]:
    """Make an authority and certificates; 'hub' is the hub's where there is one."""
    authority = make_authority(folder, "test federation", NOW)
    made = {}
    for name in names:
        request = make_request(folder, name)
        certificate = sign_request(authority, request, NOW)
        made[name] = Identity(authority, certificate, folder / f"{name}.key")
    if hub:
        request = make_request(folder, "hub", ["localhost", "127.0.0.1"])
        made["hub"] = Identity(authority, sign_request(authority, request, NOW), folder / "hub.key")
    return made


class Remembered:
    """With whom a question was answered, in memory."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}

    def circle(self, question: str) -> Collection[str] | None:
        return self.known.get(question)

    def note_circle(self, question: str, sites: Sequence[str]) -> None:
        self.known[question] = list(sites)


class Circle:
    """Parties in one process. ``silent`` names those that do not answer at a stage any more."""

    def __init__(self, made: Mapping[str, Identity], numbers: Mapping[str, np.ndarray]) -> None:
        self.made, self.numbers = made, numbers
        self.silent: dict[str, str] = {}
        self.parties: dict[str, Party] = {}
        self.memory = {name: Remembered() for name in made}
        self.seen: list[tuple[str, Message]] = []
        self.refused: dict[str, str] = {}
        roster = Roster.at(next(iter(made.values())).authority)
        self.name_of = lambda der: roster.name_of(der, NOW)

    def ask(self, told: Mapping[str, Message]) -> dict[str, Message]:
        answers = {}
        gone: set[str] = set()
        for name, message in told.items():
            stage = message.head["stage"]
            if self.silent.get(name) == stage:
                gone.add(name)
                continue
            try:
                answers[name] = self.answer(name, message)
            except LearnError as error:
                self.refused[name] = str(error)
        for name in gone:
            self.silent[name] = "gone"
        self.seen += answers.items()
        return answers

    def answer(self, name: str, message: Message) -> Message:
        head = message.head
        if head["stage"] == "keys":
            question = Message(head["question"], message.arrays)
            self.parties[name] = Party(
                name, self.made[name], head["session"], question.digest(),
                RINGS[question.text("ring")], lambda: self.numbers[name], self.name_of,
                self.memory[name],
            )  # fmt: skip
            return Message(self.parties[name].keys())
        party = self.parties[name]
        if head["stage"] == "shares":
            return Message(party.shares(head["roster"]))
        if head["stage"] == "masked":
            return Message({}, {"masked": party.masked(head["boxes"])})
        if head["stage"] == "confirm":
            return Message({"signature": party.confirm(head["sites"])})
        return Message(party.unmask(head["signatures"]))
