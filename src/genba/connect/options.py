"""Read what ``plant.yaml`` says of a connection: its url and its driver's options."""

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from genba.errors import PlantError
from genba.plant import Connection, Problem, Weight

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Options(BaseModel):
    """Base of every driver's options: frozen, finite, and nothing unknown goes unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(connection: Connection, model: type[OptionsT]) -> OptionsT:
    """Validate ``connection.options``.

    Raises
    ------
    PlantError
        Naming the connection, the option, what is wrong, and which options there are.
    """
    try:
        return model.model_validate(connection.options)
    except ValidationError:
        first = option_problems(connection, model)[0]
        raise PlantError(f"connection '{connection.id}': {first.text}; {first.mend}") from None


def option_problems(connection: Connection, model: type[Options]) -> list[Problem]:
    """Find all that is wrong with ``connection.options``; ``path`` begins at the connection."""
    try:
        model.model_validate(connection.options)
    except ValidationError as errors:
        known = ", ".join(sorted(field.alias or name for name, field in model.model_fields.items()))
        return [
            Problem(
                Weight.ERROR,
                f"connections[{connection.id}].options",
                f"option '{'.'.join(map(str, error['loc'])) or 'options'}' {_said(error)}",
                f"the {connection.driver} driver knows {known}",
                ("options", *error["loc"]),
            )
            for error in errors.errors(include_url=False)
        ]
    return []


def _said(error: "ErrorDetails") -> str:
    if error["type"] == "extra_forbidden":
        return "is not known"
    text = error["msg"].removeprefix("Value error, ")
    return text[0].lower() + text[1:] if error["type"] != "value_error" else text


def host_and_port(connection: Connection, schemes: dict[str, int]) -> tuple[str, str, int]:
    """Split ``scheme://host:port`` into its parts; ``schemes`` gives each scheme's usual port.

    Raises
    ------
    PlantError
        If the url is no such address.
    """
    example = f"{next(iter(schemes))}://192.0.2.10:{next(iter(schemes.values()))}"
    wrong = PlantError(
        f"connection '{connection.id}': url '{connection.url}' is no address of the "
        f"{connection.driver} driver; write it like {example}"
    )
    try:
        parts = urlsplit(connection.url)
    except ValueError:
        raise wrong from None
    if parts.username or parts.password:
        raise PlantError(
            f"connection '{connection.id}': the url holds a login; name it under 'credentials' "
            "and keep user and password outside plant.yaml"
        )
    try:
        port = parts.port
    except ValueError:
        raise wrong from None
    # The endpoint of an OPC UA server may have a path; the other protocols know none.
    stray_path = parts.path.strip("/") and parts.scheme != "opc.tcp"
    if parts.scheme not in schemes or not parts.hostname or stray_path:
        raise wrong
    return parts.scheme, parts.hostname, port if port is not None else schemes[parts.scheme]
