"""Random shops, and a check of schedules that shares nothing with the search."""

import itertools

from hypothesis import strategies as st

from genba.plan.shop import Shop, ShopSchedule, shop_of_modes


@st.composite
def shops(draw: st.DrawFn, most_ticks: int = 9) -> Shop:
    """Draw a small shop: flexible or not, re-entrant, with times of 0 as well."""
    machines = draw(st.integers(1, 4))
    mode = st.tuples(st.integers(0, machines - 1), st.integers(0, most_ticks))
    modes = st.lists(mode, min_size=1, max_size=draw(st.integers(1, 3)))
    jobs = draw(st.lists(st.lists(modes, min_size=1, max_size=6), min_size=1, max_size=6))
    times = st.integers(0, 2 * most_ticks)
    extra = {}
    if draw(st.booleans()):
        for name, size in (
            ("release", len(jobs)),
            ("delivery", len(jobs)),
            ("free_from", machines),
            ("rest", machines),
        ):
            extra[name] = draw(st.lists(times, min_size=size, max_size=size))
    return shop_of_modes(machines, jobs, **extra)


def wrong_with(shop: Shop, schedule: ShopSchedule) -> list[str]:
    """Return what is illegal about a schedule."""
    wrong = []
    spans: dict[int, list[tuple[int, int]]] = {}
    longest = 0
    for job in range(shop.jobs):
        ready = int(shop.release[job])
        for i in range(int(shop.job_start[job]), int(shop.job_start[job + 1])):
            machine, start, end = (
                int(x[i]) for x in (schedule.machine, schedule.start, schedule.end)
            )
            modes = range(int(shop.mode_start[i]), int(shop.mode_start[i + 1]))
            if (machine, end - start) not in [
                (int(shop.mode_machine[m]), int(shop.mode_ticks[m])) for m in modes
            ]:
                wrong.append(f"operation {i} has no such mode: {machine}, {end - start}")
            if start < ready:
                wrong.append(f"operation {i} begins at {start}, before {ready}")
            if start < shop.free_from[machine]:
                wrong.append(f"operation {i} begins before its machine {machine} is free")
            ready = end
            longest = max(longest, end + int(shop.rest[machine]))
            spans.setdefault(machine, []).append((start, end))
        longest = max(longest, ready + int(shop.delivery[job]))
    for machine, listed in spans.items():
        listed.sort()
        wrong += [
            f"machine {machine} does two at {second[0]}"
            for first, second in itertools.pairwise(listed)
            if second[0] < first[1]
        ]
    if longest != schedule.makespan:
        wrong.append(f"makespan {schedule.makespan} is said, {longest} is true")
    return wrong
