"""Trees as plain arrays: what LightGBM and scikit-learn grew, judged in numpy, written as ONNX."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from genba.learn.arrays import AnyArray, Booleans, Floats, Integers
from genba.learn.export.graph import ML, Graph

_LEAF = -1


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Nodes of many trees, one after the other; children are places within the whole.

    A row goes left where its value is at most the threshold, or where it is NaN and
    ``nan_left``. ``feature`` is -1 in leaves, whose ``value`` counts; ``output`` says for each tree
    which output it adds to.
    """

    root: Integers
    output: Integers
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    nan_left: Booleans
    value: Floats

    def sums(self, rows: Floats, outputs: int = 1) -> Floats:
        """Add up the leaves that rows (n, features) come to, (n, outputs)."""
        total = np.zeros((len(rows), outputs))
        for root, output in zip(self.root, self.output, strict=True):
            node = np.full(len(rows), root, np.int64)
            while True:
                inner = np.flatnonzero(self.feature[node] != _LEAF)
                if len(inner) == 0:
                    break
                at = node[inner]
                values = rows[inner, self.feature[at]]
                left = np.where(np.isnan(values), self.nan_left[at], values <= self.threshold[at])
                node[inner] = np.where(left, self.left[at], self.right[at])
            total[:, output] += self.value[node]
        return total

    def parts(self, prefix: str) -> dict[str, AnyArray]:
        """Return the arrays, each name with a prefix."""
        return {f"{prefix}{one.name}": getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_parts(cls, parts: Mapping[str, AnyArray], prefix: str) -> "Trees":
        """Make them again."""
        return cls(**{one.name: parts[f"{prefix}{one.name}"] for one in fields(cls)})

    def add_to(self, graph: Graph, rows: str, outputs: int = 1, base: Floats | None = None) -> str:
        """Write them as a node on a float32 tensor (n, features); gives (n, outputs).

        Thresholds are rounded down to float32: then ``x <= t`` holds for the same float32 x.
        """
        tree, number = self._numbers()
        leaf = self.feature == _LEAF
        threshold = self.threshold.astype(np.float32)
        above = threshold.astype(np.float64) > self.threshold
        threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
        threshold[leaf] = 0.0
        leaves = np.flatnonzero(leaf)
        targets = self.output[tree[leaves]]
        return graph.add(
            "TreeEnsembleRegressor",
            rows,
            domain=ML,
            n_targets=outputs,
            aggregate_function="SUM",
            post_transform="NONE",
            base_values=[float(v) for v in (np.zeros(outputs) if base is None else base)],
            nodes_treeids=tree.tolist(),
            nodes_nodeids=number.tolist(),
            nodes_featureids=np.where(leaf, 0, self.feature).tolist(),
            nodes_modes=["LEAF" if one else "BRANCH_LEQ" for one in leaf],
            nodes_values=threshold.tolist(),
            nodes_truenodeids=np.where(leaf, 0, number[self.left]).tolist(),
            nodes_falsenodeids=np.where(leaf, 0, number[self.right]).tolist(),
            nodes_missing_value_tracks_true=self.nan_left.astype(int).tolist(),
            target_treeids=tree[leaves].tolist(),
            target_nodeids=number[leaves].tolist(),
            target_ids=targets.tolist(),
            target_weights=self.value[leaves].astype(np.float32).tolist(),
        )

    def _numbers(self) -> tuple[Integers, Integers]:
        """Return the tree of each node, and its number within the tree (roots come first)."""
        starts = np.zeros(len(self.feature), np.int64)
        starts[self.root[1:]] = 1
        tree = np.cumsum(starts)
        return tree, np.arange(len(self.feature)) - self.root[tree]


class _Growing:
    """Nodes as they are read."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.roots: list[int] = []

    def place(self) -> int:
        self.rows.append([_LEAF, 0.0, 0, 0, 0, 0.0])
        return len(self.rows) - 1

    def done(self, output: list[int]) -> Trees:
        table = np.array(self.rows, np.float64)
        feature, threshold, left, right, nan_left, value = table.T
        return Trees(
            np.array(self.roots, np.int64),
            np.array(output, np.int64),
            feature.astype(np.int64),
            threshold.copy(),
            left.astype(np.int64),
            right.astype(np.int64),
            nan_left.astype(np.bool_),
            value.copy(),
        )


def from_lightgbm(booster: Any) -> Trees:
    """Read the trees of a LightGBM booster (numeric splits; no linear leaves)."""
    told = booster.dump_model()
    per_round = int(told["num_tree_per_iteration"])
    growing = _Growing()

    def read(node: Mapping[str, Any]) -> int:
        place = growing.place()
        if "split_feature" not in node:
            growing.rows[place][5] = float(node["leaf_value"])
            return place
        threshold = float(node["threshold"])
        by_default = bool(node["default_left"])
        # Without NaN in training LightGBM takes NaN for zero when it judges.
        nan_left = by_default if node["missing_type"] == "NaN" else threshold >= 0
        left = read(node["left_child"])
        right = read(node["right_child"])
        growing.rows[place][:5] = [int(node["split_feature"]), threshold, left, right, nan_left]
        return place

    output = []
    for index, tree in enumerate(told["tree_info"]):
        growing.roots.append(read(tree["tree_structure"]))
        output.append(index % per_round)
    return growing.done(output)


def from_isolation_forest(forest: Any) -> Trees:
    """Read an isolation forest: leaves hold the path length, with what a larger tree would add.

    Liu, Ting and Zhou, *Isolation Forest*, ICDM 2008, equation 1.
    """
    growing = _Growing()
    for grown, features in zip(forest.estimators_, forest.estimators_features_, strict=True):
        tree = grown.tree_
        first = len(growing.rows)
        growing.roots.append(first)
        depth = np.zeros(tree.node_count)
        for node in range(tree.node_count):
            growing.place()
            left, right = int(tree.children_left[node]), int(tree.children_right[node])
            if left == right:
                size = int(tree.n_node_samples[node])
                growing.rows[-1][5] = depth[node] + average_path(size)
                continue
            depth[[left, right]] = depth[node] + 1
            feature = int(features[tree.feature[node]])
            threshold = float(tree.threshold[node])
            growing.rows[-1][:5] = [feature, threshold, first + left, first + right, 0]
    return growing.done([0] * len(growing.roots))


def average_path(size: int) -> float:
    """Mean path length of an unsuccessful search in a binary search tree of ``size`` leaves."""
    if size <= 1:
        return 0.0
    if size == 2:
        return 1.0
    return 2.0 * (math.log(size - 1.0) + float(np.euler_gamma)) - 2.0 * (size - 1.0) / size
