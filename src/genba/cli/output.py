"""How the command line speaks: tables, JSON and errors."""

import functools
import json
import math
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
    """Print rows under a title; numbers are right-aligned, None is shown as ``undefined``.

    Numbers of a column that holds only numbers show the same decimals, three at most.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = [list(row) for row in rows]
    if not listed:
        typer.echo(f"{title}: none")
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    shown = []
    for index, column in enumerate(columns):
        cells = [row[index] for row in listed]
        known = [cell for cell in cells if cell is not None]
        numeric = not known or any(isinstance(cell, int | float) for cell in known)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        shown.append(_aligned(cells) if numeric else [show(cell) for cell in cells])
    for row in zip(*shown, strict=True):
        table.add_row(*(Text(_harmless(cell)) for cell in row))
    Console().print(table)


def _harmless(text: str) -> str:
    """Keep what others wrote from steering the terminal."""
    from genba.operate.logs import printable

    return "\n".join(map(printable, text.split("\n")))


def _aligned(cells: Sequence[object]) -> list[str]:
    """Write the numbers of a column with as many decimals as the one that needs most."""
    texts = [show(cell) for cell in cells]
    if not all(cell is None or isinstance(cell, float) for cell in cells):
        return texts
    known = [text for cell, text in zip(cells, texts, strict=True) if cell is not None]
    decimals = max((len(text.partition(".")[2]) for text in known), default=0)
    return [
        text if cell is None else f"{cell:,.{decimals}f}"
        for cell, text in zip(cells, texts, strict=True)
    ]


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
    """Print JSON for scripts: one document, UTF-8, stable order of keys as given.

    A number that is none (undefined, too few rows to say) is null: JSON has no NaN.
    """
    typer.echo(json.dumps(_finite(value), ensure_ascii=False, indent=2, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def fail(error: BaseException | str, code: int = 1) -> NoReturn:
    """Say what went wrong on standard error, without a stack trace, and leave."""
    for line in str(error).splitlines() or [type(error).__name__]:
        typer.secho(
            f"genba: {_harmless(line)}", err=True, fg="red" if sys.stderr.isatty() else None
        )
    raise typer.Exit(code)


def says_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turn every :class:`GenbaError` of a command into clear lines and exit code 1.

    The same for a file or folder that the system does not let us use.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except GenbaError as error:
            fail(error)
        except OSError as error:
            if error.filename is None:
                raise
            fail(
                f"{error.filename} cannot be used: {error.strerror}; check the path and its rights"
            )

    return wrapped
