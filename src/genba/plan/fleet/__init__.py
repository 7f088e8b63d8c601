"""Many vehicles on one layout: tasks, routes without conflict, orders with base and horizon."""
