"""Role times action: what each route asks for, read from the routes themselves.

``python -m genba.operate.api.matrix docs/security.md`` writes the table there.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from genba.operate.api.access import Access, declared
from genba.operate.people import PersonRole

BEGIN, END = "<!-- matrix: from the routes -->\n", "<!-- end of matrix -->"


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
        found = declared(route)
        if len(found) != 1:
            raise Undeclared(f"{route.path} declares {len(found)} least roles; one is needed")
        for method in sorted(route.methods or ()):
            yield Rule(method, str(route.path), found[0])


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


def main() -> None:
    """Replace the table in a page."""
    from genba.operate.api.app import add_routes

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_routes(app)
    page = Path(sys.argv[1])
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{table_of(app)}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
