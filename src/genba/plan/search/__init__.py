"""Good orders for problems of any kind: dispatching rules, local search, a rolling horizon."""
