"""The targets of ``benchmarks.fuzz`` hold for real messages and for a few thousand broken ones."""

import random
import time

import pytest
from benchmarks._fuzz_targets import TARGETS, Target

INPUTS = 600
HANG_S = 5.0


def broken(random_: random.Random, seeds: list[bytes], longest: int) -> bytes:
    """A message with bytes changed, cut out, doubled, or joined with another."""
    data = bytearray(random_.choice(seeds)[:longest])
    for _ in range(random_.randint(1, 8)):
        at, length = random_.randrange(len(data) + 1), random_.randint(1, 16)
        match random_.randrange(4):
            case 0:
                data[at : at + length] = random_.randbytes(length)
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * 2
            case _:
                other = random_.choice(seeds)
                begin = random_.randrange(len(other) + 1)
                data[at:at] = other[begin : begin + 4 * length]
    return bytes(data[:longest])


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_broken_messages_are_refused_and_never_crash_or_hang(target: Target) -> None:
    seeds = list(target.seeds())
    random_ = random.Random(20260105)
    inputs = INPUTS // 5 if target.name == "yaml" else INPUTS
    for data in [*seeds, *(broken(random_, seeds, 2000) for _ in range(inputs))]:
        began = time.perf_counter()
        target.one(data)
        assert time.perf_counter() - began < HANG_S


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sparkplug", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),  # a length of 2**62
        ("sparkplug", b"\x12\x00" * 100_000),
        ("sparkplug", b"[" * 200_000),
        ("vda5050", b"\x00" + b"[" * 200_000),
        ("vda5050", b"\x01" + b'{"headerId":' + b"9" * 5_000),
        ("expression", b"(" * 100_000),
        ("expression", b"9" * 5_000),
        ("yaml", b"[" * 100_000),
        ("yaml", b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n" + b"d: [*c,*c]\n" * 50),
        ("modbus", b"holding:99999:string99999999999\n"),
    ],
)
def test_what_is_made_to_take_forever_is_refused_at_once(name: str, data: bytes) -> None:
    began = time.perf_counter()
    TARGETS[name].one(data)
    assert time.perf_counter() - began < 1.0
