"""One model in ONNX Runtime: one thread, bounded memory, nothing copied on the way."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.inspect.place import Box, hottest

VALUE, HEAT = "value", "heat"
ARENA_MB = 256
"""Memory that all models of a process share for what they compute in between, at most."""
_bounded = False

Window = NDArray[np.float32]


class EdgeModel:
    """Runs one window at a time.

    :attr:`window` is the very memory that the model reads: write the newest rows into it and call
    :meth:`answer`. Inputs and outputs are bound once (ONNX Runtime's I/O binding), so that an
    answer costs less than a plain ``InferenceSession.run``.

    Parameters
    ----------
    content : bytes
        An ONNX graph with an input ``inputs`` (n, rows, columns), of pictures (n, height, width),
        float32, and an output ``value``.
    contract : Contract
        What it promises; its shape is checked.

    Raises
    ------
    LearnError
        If it cannot be run.
    Misfit
        If its inputs or outputs are not those of the contract.
    """

    def __init__(self, content: bytes, contract: Contract) -> None:
        self.contract = contract
        self._session = _open(content, contract.name)
        self.window: Window = np.zeros((1, *contract.shape), np.float32)
        inputs = self._session.get_inputs()
        self._check_input(inputs)
        self._outputs = self._first_answer(inputs[0].name)
        self._value = self._outputs[VALUE].reshape(-1)
        self._binding = self._session.io_binding()
        self._bind_input(inputs[0].name)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._run = self._session.run_with_iobinding

    @property
    def outputs(self) -> Mapping[str, NDArray[np.float32]]:
        """What the last answer said, by name; the next one overwrites it."""
        return self._outputs

    def place(self) -> Box | None:
        """Return where the picture of the last answer is worst, in pixels of the model; None where
        it shows no heat.
        """
        heat = self._outputs.get(HEAT)
        return None if heat is None else hottest(heat[0])

    def answer(self) -> float:
        """Answer for :attr:`window`; with a horizon, the first step.

        The answer may be NaN, and is what the model says: who uses it has to check it.

        Raises
        ------
        LearnError
            If the model fails on this window.
        """
        try:
            self._run(self._binding)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            raise LearnError(_failed(self.contract.name, error)) from None
        return float(self._value[0])

    def _check_input(self, inputs: Any) -> None:
        name, wanted = self.contract.name, self.contract.shape
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise Misfit(f"model '{name}' does not take one float32 tensor; export it again")
        shape = inputs[0].shape
        fits = len(shape) == 3 and all(
            not isinstance(has, int) or has == want
            for has, want in zip(shape, (1, *wanted), strict=True)
        )
        if not fits:
            raise Misfit(
                f"model '{name}' takes windows of shape {shape[1:]}, its card says {list(wanted)}; "
                "release it with the card that belongs to it"
            )

    def _first_answer(self, name: str) -> dict[str, NDArray[np.float32]]:
        """Ask once, to learn the shapes of the outputs and make room for them."""
        names = [one.name for one in self._session.get_outputs()]
        if VALUE not in names:
            raise Misfit(
                f"model '{self.contract.name}' has no output '{VALUE}', only {', '.join(names)}; "
                "export it again"
            )
        try:
            told = self._session.run(None, {name: self.window})
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            raise LearnError(_failed(self.contract.name, error)) from None
        arrays = dict(zip(names, told, strict=True))
        for output, array in arrays.items():
            if array.dtype != np.float32 or array.size == 0 or array.shape[0] != 1:
                raise LearnError(
                    f"model '{self.contract.name}' answers '{output}' with {array.dtype} of shape "
                    f"{array.shape} to one window; export it again"
                )
        return {output: np.ascontiguousarray(array) for output, array in arrays.items()}

    def _bind_input(self, name: str) -> None:
        window = self.window
        self._binding.bind_input(name, "cpu", 0, np.float32, window.shape, window.ctypes.data)


def usable(value: float, contract: Contract) -> bool:
    """Whether an answer is one: finite, and within what the card allows."""
    return math.isfinite(value) and contract.low <= value <= contract.high


def session_options() -> Any:
    """Return ONNX Runtime's options for a model at a machine: one thread, no telemetry, no log."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open(content: bytes, name: str) -> Any:
    import onnxruntime as ort

    _bound_memory()
    try:
        return ort.InferenceSession(content, session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
        raise LearnError(
            f"model '{name}' cannot be loaded: {str(error).splitlines()[0][:160]}; export it again"
        ) from None


def _bound_memory() -> None:
    """Let all sessions of this process share one arena of at most ``ARENA_MB``."""
    global _bounded  # noqa: PLW0603 - ONNX Runtime's environment is the process's too
    if _bounded:
        return
    import onnxruntime as ort

    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    info = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
    settings = {"max_mem": ARENA_MB * 2**20, "arena_extend_strategy": 1}
    ort.create_and_register_allocator(info, ort.OrtArenaCfg(settings))
    _bounded = True


def _failed(name: str, error: Exception) -> str:
    said = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return f"model '{name}' fails: {said}; roll it back"
