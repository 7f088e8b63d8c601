"""Which operations must be over before which others, directly or not."""

from genba.plan.problem import Problem


class Ancestry:
    """Answers from one bit per operation (a set of ancestors is one long number)."""

    def __init__(self, problem: Problem) -> None:
        self._number = {o.id: number for number, o in enumerate(problem.operations)}
        self._above: dict[str, int] = {}
        by_id = problem.operations_by_id
        waiting = [o.id for o in reversed(problem.operations)]
        while waiting:
            name = waiting[-1]
            missing = [p for p in by_id[name].predecessors if p not in self._above]
            if name in self._above or not missing:
                waiting.pop()
                above = 0
                for before in by_id[name].predecessors:
                    above |= self._above[before] | 1 << self._number[before]
                self._above[name] = above
            else:
                waiting += missing

    def comes_before(self, one: str, other: str) -> bool:
        """Whether ``one`` must be over before ``other`` begins."""
        return bool(self._above[other] >> self._number[one] & 1)
