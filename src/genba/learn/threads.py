"""How many threads the numeric libraries may use: one, unless somebody asks for more.

Two threads of PyTorch or LightGBM on two shared cores were measured 10 to 25 times slower than one:
they wait for each other, spinning.
"""

import os

VARIABLE = "GENBA_LEARN_THREADS"


def threads() -> int:
    """Threads for LightGBM, PyTorch and ONNX Runtime: ``GENBA_LEARN_THREADS``, or one."""
    named = os.environ.get(VARIABLE, "1")
    return max(1, int(named)) if named.isdecimal() else 1
