"""Compiled functions: the one typed door to numba, with the settings that all kernels share."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel) -> Kernel:
    """Compile a function of numbers and arrays on its first call, and keep the machine code.

    The code is cached beside the source file (or in ``NUMBA_CACHE_DIR``), so that a second process
    starts at once. The function runs without the interpreter's lock and without threads of its own;
    arithmetic keeps IEEE 754's order, so that the same seed gives the same result.
    """
    return cast(Kernel, njit(cache=True, nogil=True, error_model="numpy")(kernel))


def inner(kernel: Kernel) -> Kernel:
    """Compile a function that only compiled functions call.

    It has no door to Python, which for a function of many arrays takes longer to compile than the
    function itself.
    """
    doorless: Any = njit  # its annotations leave the two settings out
    return cast(
        Kernel,
        doorless(
            cache=True,
            nogil=True,
            error_model="numpy",
            no_cpython_wrapper=True,
            no_cfunc_wrapper=True,
        )(kernel),
    )
