"""Asks for passwords: on the terminal without showing them, or from standard input."""

import sys

import typer

from genba.cli.output import fail


def ask_password(prompt: str, *, twice: bool = False) -> str:
    """Return what somebody types, or the next line of standard input if that is no terminal."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\n")
        return line or fail("no password came; type it, or give it on standard input")
    told: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice)
    return told
