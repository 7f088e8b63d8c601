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
    return _compiled(kernel, _nrt=True)


def lean(kernel: Kernel) -> Kernel:
    """Compile a function that makes no arrays, only works on those that it is given.

    Numba counts the references to each array that a function touches, also where the function only
    looks at one number of a board of twenty arrays. That is more work than the looking; who makes
    no arrays need not count them. A function that does make one is refused when it is compiled.
    """
    return _compiled(kernel, _nrt=False)


def inner(kernel: Kernel) -> Kernel:
    """Compile a :func:`lean` function that only compiled functions call.

    It has no door to Python, which for a function of many arrays takes longer to compile than the
    function itself.
    """
    return _compiled(kernel, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inlined(kernel: Kernel) -> Kernel:
    """Compile an :func:`inner` function into each place that calls it.

    For the innermost ones: to hand over many arrays takes longer than a short function does.
    """
    return _compiled(
        kernel, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True
    )


def _compiled(kernel: Kernel, **settings: bool) -> Kernel:
    anyway: Any = njit  # its annotations leave some of these settings out
    return cast(Kernel, anyway(cache=True, nogil=True, error_model="numpy", **settings)(kernel))
