"""A machine: PackML states and modes, jobs, set-up, people, breakdowns, counters.

What it does to a part is the unit process's; this is what all machines share.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from genba.plant import US, Equipment, PackMLMode, PackMLState, Role, Scalar
from genba.testbed.board import Board
from genba.testbed.floor import Floor
from genba.testbed.inspection import Gauge
from genba.testbed.job import Refusal, Task, prepare
from genba.testbed.ledger import Ledger
from genba.testbed.lots import Lot
from genba.testbed.monitor import ZONE_SPEED_M_S
from genba.testbed.outcomes import Outcomes
from genba.testbed.packml import StateModel
from genba.testbed.people import Zone
from genba.testbed.physics_file import MachinePhysics
from genba.testbed.shifts import WorkingTime
from genba.testbed.stations import Station
from genba.testbed.unit.process import Number, Part, Phase, UnitProcess
from genba.testbed.upkeep import WearOut, Work


class Machine:
    """One work unit. ``tick`` once a second, after the writes of that second."""

    def __init__(
        self,
        floor: Floor,
        equipment: Equipment,
        physics: MachinePhysics,
        process: UnitProcess,
        board: Board,
        station: Station,
        ledger: Ledger,
    ) -> None:
        self.id = equipment.id
        self.floor = floor
        self.physics = physics
        self.process = process
        self.board = board
        self.station = station
        self._books = ledger.machine(equipment.id)
        self._ledger = ledger
        chance = floor.chance
        self._setups = chance.stream(f"{self.id}.setup")
        self._wear = (
            WearOut(physics.breakdowns, chance.stream(f"{self.id}.breakdown"))
            if physics.breakdowns
            else None
        )
        calendar = next((c for c in floor.plant.calendars if c.id == equipment.calendar), None)
        self._time = WorkingTime(calendar, floor.start)
        self._time_changes = 0
        self._on = False
        zone = floor.physics.zones.get(self.id)
        self.zone = Zone(zone, chance.stream(f"{self.id}.zone"), floor.start) if zone else None
        self.gauge = Gauge(physics.inspection)
        self._outcomes = Outcomes(self._books, self.gauge, physics.max_rework, board)
        self._model = StateModel(physics.complete_s, physics.reset_s)
        self._wanted = PackMLState.STOPPED
        """State that fits what it does; it is shown once the state model allows."""
        self.mode = PackMLMode.PRODUCTION
        self.task: Task | None = None
        self.mounted: str | None = None
        """Set-up family that is on the machine."""
        self.last_beat = floor.start
        self._cycle: list[tuple[Lot, Part]] = []
        self._work: Work | None = None
        """A service or tool change that is going on."""
        self._repair: Work | None = None
        self._gauging_s = 0.0
        self._service_run_s = 0.0
        self._names: dict[Role, str] = {role: board.names.get(role, role.value) for role in Role}
        self._show_first()

    # What it is told -----------------------------------------------------------------------

    def write(self, short: str, value: Scalar) -> None:
        """Apply a setpoint that the device took. The value stands on the board from now on."""
        self.board.show(short, value)
        names = self._names
        if short == names[Role.HEARTBEAT]:
            self.last_beat = self.floor.around.now
        elif short == names[Role.JOB_REQUEST] and isinstance(value, int):
            self._request(value)
        elif short == "inspect_every" and isinstance(value, int):
            self.gauge.every = max(1, value)
        elif short in self.process.setpoints and isinstance(value, int | float):
            self._set(short, value)

    def alive(self) -> bool:
        """Whether the heartbeat of whoever commands it is fresh."""
        age = self.floor.around.now - self.last_beat
        return age <= self.floor.physics.heartbeat_timeout_s * US

    @property
    def state(self) -> PackMLState:
        """The state that it shows."""
        return self._model.state

    @property
    def idle(self) -> bool:
        """Whether a job can be given now."""
        resting = self.state is PackMLState.IDLE and self.mode is PackMLMode.PRODUCTION
        return resting and self.task is None

    def accept(self, lots: Sequence[str], operation: str, quantity: int, *, remote: bool) -> None:
        """Take a job.

        Raises
        ------
        Refusal
            With the reason.
        """
        if not self.idle:
            task = "with a job, " if self.task is not None else ""
            told = f"state is {self.state.name}, {task}mode {self.mode.name}"
            raise Refusal(f"{told}; it must be IDLE")
        if self.zone is not None and self.zone.people:
            raise Refusal("a person is in the zone")
        job, found, alternative, batch = prepare(
            self.floor, self.station, self.id, lots, operation, quantity
        )
        planned = self.floor.setup_s(self.id, self.mounted, job.family)
        self.floor.tools.take(alternative.tools)
        self.task = Task(
            job=job,
            lots=found,
            alternative=alternative,
            batch_parts=batch,
            todo=deque((lot, part) for lot in found for part in lot.parts),
            planned_setup_s=planned,
            started=self.floor.around.now,
            energy_from_kwh=self._books.energy_kwh,
            good=dict.fromkeys(lots, 0),
            scrap=dict.fromkeys(lots, 0),
            rework=dict.fromkeys(lots, 0),
            remote=remote,
        )
        for lot in found:
            lot.in_work = True
        self.station.rescan()
        self.board.show(self._names[Role.LOTS], ",".join(job.lots))
        actual = planned and self._setups.lognormal(planned, self.physics.setup_sigma)
        for short, value in self.process.recipe_setpoints(job).items():
            self.board.show(short, value)
            self._set(short, value)
        if actual > 0:
            self.task.setting_up = Work("setup", actual, alternative.skill)
        else:
            self._begin_run(self.task, self.floor.around.now)

    def break_down(self, repair_s: float | None = None) -> None:
        """Stop working until somebody has repaired it."""
        if self._repair is not None:
            return
        breakdowns = self.physics.breakdowns
        if repair_s is None:
            repair_s = self._wear.repair_s() if self._wear else 900.0
        self._repair = Work("repair", repair_s, breakdowns.skill if breakdowns else None)
        self._books.breakdowns += 1
        if self._cycle and self.task is not None:
            spoiled = {part.serial for part in self.process.abort()}
            self._outcomes.lose(self.task, self._cycle, spoiled)
            self._cycle = []

    # One second ----------------------------------------------------------------------------

    def tick(self, second: int) -> None:
        """Let one second pass."""
        floor, process = self.floor, self.process
        now = floor.around.now
        if now >= self._time_changes:
            self._on = self._time.working(now)
            self._time_changes = self._time.changes_after(now)
        phase = self._step(now)
        self._model.toward(self._wanted)
        process.tick(1.0, phase, floor.around)
        books = self._books
        books.energy_kwh += process.power_kw / 3600.0
        books.seconds[phase] += 1
        if phase is Phase.RUN:
            self._service_run_s += 1.0
            if self._wear is not None and floor.random and self._wear.run(1.0, process.stress()):
                self.break_down()
        self._watch(now)
        board = self.board
        board.show(self._names[Role.STATE], int(self.state))
        board.show(self._names[Role.MODE], int(self.mode))
        if board.measures(second):
            board.measure(second, self._readings())

    def _step(self, now: int) -> Phase:
        """Say what the process may do in this second, and which state fits it."""
        if self.zone is not None:
            self.zone.tick(now, self._on, self.floor.random)
            self.board.show(self._names[Role.PEOPLE_IN_ZONE], self.zone.people)
        if self._repair is not None:
            return self._mend(self._repair, now)
        if self.zone is not None and self.zone.people and self.zone.protective_stop and self.task:
            # Before the job has started, or once it is stopped, it stays as it is.
            self._wanted = PackMLState.HELD if self._model.in_job else self.state
            return Phase.PAUSED if self._cycle else Phase.IDLE
        if not self._on and not self._cycle:
            self._wanted = PackMLState.STOPPED
            self._let_go()
            return Phase.OFF
        if self._work is not None:
            return self._maintain(self._work, now)
        if self.task is not None:
            return self._advance(self.task, now)
        return self._wait()

    def _let_go(self) -> None:
        """At the end of the shift people go home; what they did waits for the next."""
        if self._work is not None:
            self._work.release()
        if self.task is not None and self.task.setting_up is not None:
            self.task.setting_up.release()

    def _advance(self, task: Task, now: int) -> Phase:
        """Go on with the job."""
        self.mode = PackMLMode.PRODUCTION if task.setting_up is None else PackMLMode.SETUP
        if self.state is PackMLState.COMPLETING:
            self._wanted = PackMLState.COMPLETE
            self._complete(task, now)
            return Phase.IDLE
        self._wanted = PackMLState.EXECUTE
        if task.setting_up is not None and self._model.in_job:
            return self._set_up(task, task.setting_up, now)
        if self.state is not PackMLState.EXECUTE:
            return Phase.PAUSED if self._cycle else Phase.IDLE
        if self._gauging_s > 0:
            self._gauging_s -= 1.0
            return Phase.IDLE
        return self._run(task, now)

    def _wait(self) -> Phase:
        """Without a job: reset, then idle."""
        self.mode = PackMLMode.PRODUCTION
        self._wanted = PackMLState.IDLE
        return Phase.IDLE

    def _set_up(self, task: Task, work: Work, now: int) -> Phase:
        complete = work.tick(self.floor.crew, self.id, now)
        if work.waiting:
            self._wanted = PackMLState.SUSPENDED
            return Phase.IDLE
        if complete:
            self._begin_run(task, now)
        return Phase.SETUP

    def _begin_run(self, task: Task, now: int) -> None:
        """The machine is set up for the job."""
        task.setup_s = (now - task.started) / US
        task.run_from = now
        task.setting_up = None
        self.mounted = task.job.family or self.mounted
        self.process.start_job(task.job)

    def _run(self, task: Task, now: int) -> Phase:
        """Begin, advance or finish a cycle."""
        process, around = self.process, self.floor.around
        if self._cycle:
            if not process.done:
                return Phase.RUN
            self._gauging_s = self._outcomes.settle(task, self._cycle, process.finish(around))
            self._cycle = []
            if self._gauging_s > 0:
                return Phase.IDLE
        if not self._on:
            return Phase.OFF
        due = self._upkeep_due()
        if due is not None:
            return self._maintain(due, now)
        if not task.todo:
            self._wanted = PackMLState.COMPLETE
            return Phase.IDLE
        count = min(task.batch_parts, len(task.todo))
        self._cycle = [task.todo.popleft() for _ in range(count)]
        process.begin([part for _, part in self._cycle], around)
        return Phase.RUN

    # The end of a job, and upkeep -----------------------------------------------------------

    def _complete(self, task: Task, now: int) -> None:
        self.process.end_job()
        self.floor.tools.give_back(task.alternative.tools)
        self._ledger.operation(self.id, task, now, self._books.energy_kwh)
        for lot in task.lots:
            lot.in_work = False
            lot.step += 1
            lot.since = now
            if not lot.parts:
                self.station.take(lot)
                self._ledger.scrapped_lots.append(lot.id)
                self.floor.orders[lot.order.id].close_lot(0, now)
        self.task = None
        self.station.rescan()
        self.board.show(self._names[Role.LOTS], "")

    def _mend(self, work: Work, now: int) -> Phase:
        self._wanted = PackMLState.ABORTED
        if work.tick(self.floor.crew, self.id, now):
            self._repair = None
            self.process.maintain("repair")
            if self._wear is not None:
                self._wear.repaired()
        return Phase.DOWN

    def _upkeep_due(self) -> Work | None:
        """Begin planned work whose time has come."""
        service = self.physics.service
        if service is not None and self._service_run_s >= service.every_h * 3600.0:
            self._work = Work("service", service.duration_min * 60.0, "maintenance")
            return self._work
        due = self.process.maintenance_due()
        if due is None:
            return None
        skill = self.task.alternative.skill if self.task is not None else None
        self._work = Work(due.kind, due.duration_s, skill)
        self._books.spares_cost += due.cost
        return self._work

    def _maintain(self, work: Work, now: int) -> Phase:
        """Hold a job that has started; a machine that was stopped before stays stopped."""
        self.mode = PackMLMode.MAINTENANCE
        self._wanted = PackMLState.HELD if self._model.in_job else PackMLState.STOPPED
        if self.state is not self._wanted:
            return Phase.IDLE
        if work.tick(self.floor.crew, self.id, now):
            self._books.count_maintenance(work.kind)
            self._work = None
            self.process.maintain(work.kind)
            if work.kind == "service":
                self._service_run_s = 0.0
                if self._wear is not None:
                    self._wear.serviced()
        return Phase.IDLE if work.waiting else Phase.MAINTENANCE

    # Shown and watched ---------------------------------------------------------------------

    def _request(self, number: int) -> None:
        """Answer a job request: the number in ``job_ack``, the reason of a refusal beside it."""
        names, values = self._names, self.board.values
        last = values.get(names[Role.JOB_ACK])
        error = ""
        if isinstance(last, int) and number <= last:
            self.board.show(
                names[Role.JOB_ERROR], f"request {number} is not above {last}, the last one"
            )
            return
        if self.alive():
            quantity = values.get(names[Role.JOB_QUANTITY])
            try:
                self.accept(
                    [x for x in str(values.get(names[Role.JOB_LOTS]) or "").split(",") if x],
                    str(values.get(names[Role.JOB_OPERATION]) or ""),
                    quantity if isinstance(quantity, int) else 0,
                    remote=True,
                )
            except Refusal as refusal:
                error = str(refusal)
        else:
            error = "heartbeat is stale; the local controller has the machine"
        self.board.show(names[Role.JOB_ERROR], error)
        self.board.show(names[Role.JOB_ACK], number)

    def _set(self, short: str, value: Number) -> None:
        setpoint = self.process.setpoints[short]
        if not setpoint.low <= value <= setpoint.high:
            self.floor.monitor.happened(
                self.floor.around.now,
                self.id,
                "envelope",
                f"{short} set to {value}, outside {setpoint.low:g} to {setpoint.high:g}",
            )
        self.process.write(short, value)

    def _watch(self, now: int) -> None:
        monitor, process = self.floor.monitor, self.process
        if self.zone is not None and self.zone.people and process.motion_m_s > ZONE_SPEED_M_S:
            monitor.watch(
                now,
                self.id,
                "robot_near_person",
                f"robot moves at {process.motion_m_s:.2f} m/s with a person in its zone",
            )
        for hazard in process.hazards():
            monitor.watch(now, self.id, "process", hazard)

    def _readings(self) -> Mapping[str, Number]:
        readings = dict(self.process.readings())
        readings.setdefault("power", self.process.power_kw)
        readings[self._names[Role.ENERGY]] = self._books.energy_kwh
        return readings

    def _show_first(self) -> None:
        board, names = self.board, self._names
        for role in (Role.LOTS, Role.JOB_LOTS, Role.JOB_OPERATION, Role.JOB_ERROR):
            board.show(names[role], "")
        for role in (Role.JOB_QUANTITY, Role.JOB_REQUEST, Role.JOB_ACK, Role.HEARTBEAT):
            board.show(names[role], 0)
        if self.zone is not None:
            board.show(names[Role.PEOPLE_IN_ZONE], 0)
        board.show("inspect_every", self.gauge.every)
        for short, setpoint in self.process.setpoints.items():
            board.show(short, setpoint.initial)
        board.show(names[Role.STATE], int(self.state))
        board.show(names[Role.MODE], int(self.mode))
        board.measure_all(self._readings())
        self._outcomes.show_counts()
