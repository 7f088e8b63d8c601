"""Uplinks: where a plant shows its signals to a hub."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from genba.plant.ids import Id, Value

TopicLevel = Annotated[str, StringConstraints(pattern=r"^[^/+#\s]+$", max_length=96)]
"""One level of an MQTT topic."""


class Uplink(Value):
    """A Sparkplug B edge node that publishes signals to a hub, and takes no writes from it."""

    id: Id
    url: str
    """The broker: ``mqtts://host:port``, or ``mqtt://``."""
    group: TopicLevel
    node: TopicLevel
    """The Sparkplug edge node as which this plant is seen."""
    host: TopicLevel | None = None
    """The primary host: while it is away, values are kept and sent when it is back."""
    signals: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns of signal ids, as in ``mill.*``; those that fit one are shown."""
    credentials: Id | None = None
    """Name of user and password, kept as those of connections are."""
    options: dict[str, Any] = Field(default_factory=dict)
    """``most_samples_s``, ``rewind_s``, and those of every link over MQTT (``ca_file``, ...)."""
