"""What ``plant.yaml`` may say of an OPC UA connection."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from genba.connect.options import Options


class SecurityPolicy(StrEnum):
    """The policies that Genba uses; older ones are broken and not offered."""

    BASIC256SHA256 = "Basic256Sha256"
    AES128_SHA256_RSAOAEP = "Aes128_Sha256_RsaOaep"
    AES256_SHA256_RSAPSS = "Aes256_Sha256_RsaPss"


_OLD = ("Basic128Rsa15", "Basic256", "Basic128", "None")


class Mode(StrEnum):
    """Whether messages are signed, and encrypted."""

    SIGN_AND_ENCRYPT = "SignAndEncrypt"
    SIGN = "Sign"
    NONE = "None"


class OpcUaOptions(Options):
    """Options of the ``opcua`` driver. Times are of the wall clock."""

    security: SecurityPolicy = SecurityPolicy.BASIC256SHA256
    mode: Mode = Mode.SIGN_AND_ENCRYPT
    insecure: bool = False
    """Talk without signature and encryption: anyone in the network can read and forge it."""
    publish_ms: Annotated[float, Field(ge=10, le=60_000)] = 100.0
    """How often the device sends what changed."""
    sampling_ms: Annotated[float, Field(ge=0)] | None = None
    """How often the device looks for changes. By default ``sample_s`` of each measurement, and as
    fast as the device can for states, counters, setpoints and events."""
    queue_size: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Changes per signal that the device keeps while it cannot send them."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 4.0
    """How long the device may take for an answer."""
    keepalive_s: Annotated[float, Field(ge=0.1, le=60)] = 2.0
    """How long the device may be silent before the link counts as lost (and ``timeout_s`` more)."""
    outage_s: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    """How long the device keeps session and queues while the link is lost."""
    alarms: bool = False
    """Take the alarms and conditions that the device itself has (OPC 10000-9)."""

    @property
    def encrypted(self) -> bool:
        """Whether nobody else in the network can read along."""
        return not self.insecure and self.mode is Mode.SIGN_AND_ENCRYPT

    @field_validator("security", mode="before")
    @classmethod
    def _say_old(cls, value: Any) -> Any:
        if str(value) in _OLD:
            raise ValueError(
                f"{value} is broken or no protection, and not offered (withdrawn by OPC 10000-7); "
                f"write {', '.join(policy.value for policy in SecurityPolicy)}"
            )
        return value

    @model_validator(mode="after")
    def _say_insecure(self) -> Self:
        if self.insecure and self.mode is not Mode.NONE and "mode" in self.model_fields_set:
            raise ValueError(f"insecure: true contradicts mode: {self.mode.value}; leave one out")
        if self.mode is Mode.NONE and not self.insecure:
            raise ValueError("mode: None sends everything in the clear; say insecure: true as well")
        return self
