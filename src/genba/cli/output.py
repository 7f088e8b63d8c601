"""How the command line speaks: tables, JSON and errors."""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer

from genba.errors import GenbaError

P = ParamSpec("P")
T = TypeVar("T")


def noun(help_text: str) -> typer.Typer:
    """Return a group of commands. Plain help: drawing boxes would take longer than Genba itself."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a title; numbers are right-aligned, None is shown as ``undefined``."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    listed = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*(show(cell) for cell in row))
    Console().print(table)


def show(value: object) -> str:
    """Write one value for people: three decimals, thousands apart, ``undefined`` for None."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)


def emit_json(value: Any) -> None:
    """Print JSON for scripts: one document, UTF-8, stable order of keys as given."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def fail(error: BaseException | str, code: int = 1) -> NoReturn:
    """Say what went wrong on standard error, without a stack trace, and leave."""
    for line in str(error).splitlines() or [type(error).__name__]:
        typer.secho(f"genba: {line}", err=True, fg="red" if sys.stderr.isatty() else None)
    raise typer.Exit(code)


def says_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turn every :class:`GenbaError` of a command into clear lines and exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except GenbaError as error:
            fail(error)

    return wrapped
