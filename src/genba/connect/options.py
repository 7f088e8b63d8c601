"""Read what ``plant.yaml`` says of a connection: its url and its driver's options."""

from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from genba.errors import PlantError
from genba.plant import Connection


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
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "options"
        known = ", ".join(sorted(field.alias or name for name, field in model.model_fields.items()))
        if first["type"] == "extra_forbidden":
            what = "is not known"
        else:
            what = first["msg"][0].lower() + first["msg"][1:]
        raise PlantError(
            f"connection '{connection.id}': option '{field}' {what}; "
            f"the {connection.driver} driver knows {known}"
        ) from None


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
