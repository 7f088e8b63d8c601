"""Role times action: what each route asks for, read from the routes themselves.

The table of ``docs/security.md`` is :func:`table_of` the app; a test holds the two together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from genba.operate.api.access import Access, _anyone
from genba.operate.people import PersonRole


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route asks for; ``access`` None where anybody may come."""

    method: str
    path: str
    access: Access | None


class Undeclared(Exception):
    """A route asks nobody who they are."""


def rules_of(app: FastAPI) -> Iterator[Rule]:
    """Yield what every route of an app asks for.

    Raises
    ------
    Undeclared
        If one declares nothing, or several things.
    """
    for route in iter_route_contexts(app.routes):
        found = list(_declared(getattr(route, "dependant", None)))
        if len(found) != 1:
            raise Undeclared(f"{route.path} declares {len(found)} least roles; one is needed")
        for method in sorted(route.methods or ()):
            yield Rule(method, str(route.path), found[0])


def _declared(dependant: Any) -> Iterator[Access | None]:
    for one in getattr(dependant, "dependencies", ()):
        if isinstance(one.call, Access):
            yield one.call
        elif one.call is _anyone:
            yield None


def table_of(app: FastAPI) -> str:
    """Write the matrix as a table in Markdown."""
    lines = [
        f"| action | {' | '.join(PersonRole)} | scope |",
        f"|---|{'---|' * len(PersonRole)}---|",
    ]
    for rule in sorted(rules_of(app), key=lambda rule: (rule.path, rule.method)):
        path = rule.path.removeprefix("/api/v1")
        if rule.access is None:
            marks, scope = ["anyone"] * len(PersonRole), ""
        else:
            marks = ["yes" if role.covers(rule.access.role) else "" for role in PersonRole]
            scope = f"`{rule.access.scope}`"
        lines.append(f"| `{rule.method} {path}` | {' | '.join(marks)} | {scope} |")
    return "\n".join(lines) + "\n"
