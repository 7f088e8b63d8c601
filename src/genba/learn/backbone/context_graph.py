"""The ONNX nodes of :mod:`genba.learn.backbone.context`, in the same order and in float64."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import AnyArray
from genba.learn.backbone.lags import REPORTED, TINY, WHITE, places, spectral
from genba.learn.backbone.shape import CHANGES, LEVELS, MOST_ORDER, PERIODS
from genba.learn.backbone.window import HORIZON, LENGTH
from genba.learn.export.graph import Graph


@dataclass(frozen=True, slots=True)
class ContextNames:
    """Names of the tensors of a context, float32; ``day`` is no tensor: it is part of the graph."""

    ahead: str
    alike: str
    copied: str
    told: str
    daily: AnyArray


class ContextDrawing:
    """Adds what a window says about itself to a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def _whole(self, *values: int) -> str:
        return self.graph.constant(np.array(values, np.int64))

    def _number(self, value: float) -> str:
        return self.graph.constant(np.array(value, np.float64))

    def _part(self, x: str, start: int, end: int, axis: int = 1) -> str:
        return self.graph.add("Slice", x, self._whole(start), self._whole(end), self._whole(axis))

    def _summed(self, x: str, axis: int = 1, *, keep: bool = True) -> str:
        return self.graph.add("ReduceSum", x, self._whole(axis), keepdims=int(keep))

    def draw(self, values: str, known: str, day: float) -> ContextNames:
        """Add it; ``values`` and ``known`` name float32 tensors, (n, length)."""
        graph = self.graph
        flags, level = graph.doubles(known), graph.doubles(values)
        count = graph.add("Max", self._summed(flags), self._number(1.0))
        mean = graph.add("Div", self._summed(graph.add("Mul", level, flags)), count)
        centered = graph.add("Mul", graph.add("Sub", level, mean), flags)
        both = graph.add("Mul", self._part(flags, 1, LENGTH), self._part(flags, 0, LENGTH - 1))
        stepped = graph.add("Sub", self._part(level, 1, LENGTH), self._part(level, 0, LENGTH - 1))
        first = graph.add("Mul", self._part(level, 0, 1), self._number(0.0))
        changes = graph.add("Concat", first, graph.add("Mul", stepped, both), axis=1)
        moments = self._moments(centered)
        base = graph.add("Add", self._part(moments, 0, 1), self._number(TINY))
        alike = graph.add("Div", moments, base)
        found, mirrored, left = self._autoregressive(moments)
        other, _, other_left = self._autoregressive(self._moments(changes))
        ahead = self._ahead(centered, changes, found, other, mean)
        padded = graph.add("Concat", self._part(alike, PERIODS[0], LENGTH), first, axis=1)
        flat = graph.add("Gather", values, graph.constant(places()), axis=1)
        copied = graph.add("Reshape", flat, self._whole(-1, len(PERIODS), HORIZON))
        seen = float(day > 0)
        clock = [seen, seen * np.log2(max(day, 1.0) / LENGTH), seen * (day <= LENGTH)]
        row = graph.add(
            "Add",
            graph.add("Mul", mean, self._number(0.0)),
            graph.constant(np.array([clock], np.float64)),
        )
        ends = [
            graph.add("Squeeze", self._part(ahead, at, at + 1, 2), self._whole(2))
            for at in REPORTED
        ]
        told = graph.add(
            "Concat",
            mean,
            row,
            self._part(alike, 1, 25),
            mirrored,
            graph.add("Log", left),
            graph.add("Log", other_left),
            *ends,
            axis=1,
        )
        told = graph.add("Clip", told, self._number(-8.0), self._number(8.0))
        daily = (np.abs(day - np.array(PERIODS)) < 0.5).astype(np.float32)
        return ContextNames(
            graph.floats(ahead), graph.floats(padded), copied, graph.floats(told), daily
        )

    def _moments(self, centered: str) -> str:
        graph = self.graph
        waves, back = spectral()
        half = back.shape[0]
        turned = graph.add("MatMul", centered, graph.constant(waves))
        square = graph.add("Mul", turned, turned)
        power = graph.add("Add", self._part(square, 0, half), self._part(square, half, 2 * half))
        return graph.add("MatMul", power, graph.constant(back))

    def _autoregressive(self, moments: str) -> tuple[Mapping[int, str], str, str]:
        graph = self.graph
        tiny, backwards = self._number(TINY), [self._whole(number) for number in (-1, -LENGTH, 1)]

        def flipped(x: str) -> str:
            return graph.add("Slice", x, backwards[0], backwards[1], backwards[2], backwards[0])

        variance = graph.add("Mul", self._part(moments, 0, 1), self._number(1 + WHITE))
        power = whole = graph.add("Add", variance, tiny)
        nothing = graph.add("Mul", whole, self._number(0.0))
        taken, mirrored, left, found = "", [], [], {}
        for order in range(1, MOST_ORDER + 1):
            missed = self._part(moments, order, order + 1)
            if taken:
                lagged = flipped(self._part(moments, 1, order))
                missed = graph.add("Sub", missed, self._summed(graph.add("Mul", taken, lagged)))
            partial = graph.add("Div", missed, power)
            if taken:
                less = graph.add("Mul", partial, flipped(taken))
                taken = graph.add("Concat", graph.add("Sub", taken, less), partial, axis=1)
            else:
                taken = partial
            kept = graph.add("Sub", self._number(1.0), graph.add("Mul", partial, partial))
            power = graph.add("Add", graph.add("Mul", power, kept), tiny)
            mirrored.append(partial)
            if order in LEVELS:
                left.append(graph.add("Div", power, whole))
                filling = [nothing] * (MOST_ORDER - order)
                found[order] = graph.add("Concat", *filling, flipped(taken), axis=1)
        told = graph.add("Concat", *mirrored, axis=1), graph.add("Concat", *left, axis=1)
        return found, told[0], told[1]

    def _ahead(
        self,
        centered: str,
        changes: str,
        found: Mapping[int, str],
        other: Mapping[int, str],
        mean: str,
    ) -> str:
        graph, one = self.graph, self._whole(1)

        def raised(x: str) -> str:
            return graph.add("Unsqueeze", x, one)

        fitted = [found[order] for order in LEVELS] + [other[order] for order in CHANGES]
        coefficients = graph.add("Concat", *[raised(each) for each in fitted], axis=1)
        ends = [
            raised(self._part(each, LENGTH - MOST_ORDER, LENGTH)) for each in (centered, changes)
        ]
        past = graph.add("Concat", *[ends[0]] * len(LEVELS), *[ends[1]] * len(CHANGES), axis=1)
        stepped = []
        for _ in range(HORIZON):
            stepped.append(self._summed(graph.add("Mul", coefficients, past), axis=2))
            past = graph.add("Concat", self._part(past, 1, MOST_ORDER, 2), stepped[-1], axis=2)
        whole = graph.add("Concat", *stepped, axis=2)
        level = graph.add("Add", self._part(whole, 0, len(LEVELS)), raised(mean))
        added = graph.constant(np.triu(np.ones((HORIZON, HORIZON))))
        moved = graph.add(
            "MatMul", self._part(whole, len(LEVELS), len(LEVELS) + len(CHANGES)), added
        )
        return graph.add("Concat", level, moved, axis=1)
