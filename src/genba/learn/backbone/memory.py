"""Training that was cut off goes on from where it was last remembered. Imports PyTorch."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genba.errors import LearnError
from genba.learn.backbone.network import Weights
from genba.learn.registry.store import read_arrays, write_arrays


@dataclass(frozen=True, slots=True)
class Memory:
    """A file, and a text that says of what training it is: seed, size, processes."""

    file: Path
    training: str

    def write(
        self, weights: Weights, blended: Weights, optimizer: Any, step: int, spent: float
    ) -> None:
        """Remember the weights, their mean, and the moments of Adam."""
        told = {"training": np.array(self.training), "at": np.array([float(step), spent])}
        for name, tensor in weights.items():
            state = optimizer.state[tensor]
            told[f"weight_{name}"] = tensor.detach().numpy()
            told[f"blend_{name}"] = blended[name].numpy()
            told[f"first_{name}"] = state["exp_avg"].numpy()
            told[f"second_{name}"] = state["exp_avg_sq"].numpy()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(write_arrays(told))
        os.replace(fresh, self.file)

    def read(self, weights: Weights, blended: Weights, optimizer: Any) -> tuple[int, float]:
        """Bring back what was remembered; return steps made and seconds spent, 0 if nothing was.

        Raises
        ------
        LearnError
            If the file is of another training, or no such file.
        """
        if not self.file.exists():
            return 0, 0.0
        try:
            told = read_arrays(self.file.read_bytes())
            if str(told["training"]) != self.training:
                raise LearnError(
                    f"{self.file} is of another training (other processes, size, or seed); give "
                    "the same again to go on with it, or delete it"
                )
            step, spent = (float(number) for number in told["at"])
            with torch.no_grad():
                for name, tensor in weights.items():
                    tensor.copy_(torch.from_numpy(told[f"weight_{name}"]))
                    blended[name].copy_(torch.from_numpy(told[f"blend_{name}"]))
                    optimizer.state[tensor] = {
                        "step": torch.tensor(step),
                        "exp_avg": torch.from_numpy(told[f"first_{name}"]),
                        "exp_avg_sq": torch.from_numpy(told[f"second_{name}"]),
                    }
        except (OSError, ValueError, KeyError) as error:
            raise LearnError(
                f"{self.file} cannot be read as a training that was cut off ({error}); delete it "
                "to begin anew"
            ) from None
        return int(step), spent

    def forget(self) -> None:
        """Delete the file; the training has ended."""
        self.file.unlink(missing_ok=True)
