"""Which setting holds for an alarm: built-in ones, then the plant's rules, then the signal's own.

Kinds of alarm that Genba knows, each with what it means if the plant file says nothing of it.
"""

from genba.plant.alarm import AlarmPriority, AlarmRule, AlarmSetting, priority_of
from genba.plant.model import Plant

LIMITS = ("low_low", "low", "high", "high_high")
"""The names of limits; their alarms are of the kind ``limit_<name>``."""

_LOW, _MEDIUM, _HIGH = AlarmPriority.LOW, AlarmPriority.MEDIUM, AlarmPriority.HIGH

BUILT_IN: tuple[AlarmRule, ...] = (
    AlarmRule(priority=_LOW, on_delay_s=0.0, off_delay_s=0.0, latch=False, enabled=True),
    AlarmRule(kind="limit_*_*", priority=_MEDIUM),
    AlarmRule(
        kind="rate",
        response="Look at the sensor and its wiring first, then at the process.",
        consequence="The guard lets nothing be decided on a value that jumps.",
    ),
    AlarmRule(
        kind="stale",
        on_delay_s=60.0,
        response="Check the device and its network; Genba decides nothing on old values.",
        consequence="What depends on this value is done by the machine's own controller.",
    ),
    AlarmRule(
        kind="machine_aborted",
        priority=_MEDIUM,
        response="Go to the machine, clear the fault and reset it.",
        consequence="The machine stands still, and its lots wait.",
    ),
    AlarmRule(
        kind="link_down",
        priority=_MEDIUM,
        on_delay_s=30.0,
        off_delay_s=30.0,
        response="Check the device's power and network; `genba status` shows the error.",
        consequence="Genba sees nothing of the device, and its own controller runs it.",
    ),
    AlarmRule(
        kind="heartbeat",
        on_delay_s=60.0,
        response="Look at the device: does it run, and may Genba write to it?",
        consequence="Nothing is asked of the device, and its own controller runs it.",
    ),
    AlarmRule(
        kind="refusals",
        response="Read why the guard refuses (`decisions`), and remove the reason.",
        consequence="What was planned for this equipment is not done.",
    ),
    AlarmRule(
        kind="planner_*",
        response="Read Genba's log; the plain planner stands in meanwhile.",
        consequence="The plant runs by the plain rules, usually with less output.",
    ),
    AlarmRule(
        kind="judge_*",
        response="Read Genba's log, and mend or remove the plug-in.",
        consequence="What this judge watches is not watched.",
    ),
    AlarmRule(
        kind="model_*",
        response="Look at the machine: what the model reads stands beside the finding; say so "
        "when you acknowledge it if nothing is wrong.",
        consequence="What the model was trained to notice goes on unseen.",
    ),
    AlarmRule(
        kind="models_down",
        on_delay_s=30.0,
        response="Read Genba's log; `genba model history` says what came into force last.",
        consequence="No released model judges; limits and rates go on.",
    ),
    AlarmRule(
        kind="unfit_picture",
        response="See to the camera and its light: pictures must be as when the model learned.",
        consequence="Parts pass that nobody looked at.",
    ),
    AlarmRule(
        kind="unfit_model",
        response="`genba model watch` says what changed; learn the model anew, or take it back.",
        consequence="What the model says may be wrong, and its intervals too narrow.",
    ),
    AlarmRule(
        kind="unwatched_models",
        response="Run `genba model watch`; it says what is missing.",
        consequence="Nobody would notice that a model no longer fits.",
    ),
    AlarmRule(
        kind="recording",
        priority=_HIGH,
        response="Make room on the disk, or mend it; Genba goes on by itself.",
        consequence="Samples are not recorded and are lost when the queue is full.",
    ),
    AlarmRule(
        kind="disk_low",
        priority=_MEDIUM,
        response="Make room on the disk, or shorten the retention.",
        consequence="When it is full nothing is recorded any more.",
    ),
    AlarmRule(
        kind="disk_full",
        priority=_HIGH,
        response="Make room on the disk; Genba goes on by itself.",
        consequence="Nothing is acknowledged or recorded.",
    ),
    AlarmRule(
        kind="audit_broken",
        priority=_HIGH,
        response="`genba audit verify` says where; stop Genba, keep STATE/audit as evidence.",
        consequence="Who did what can no longer be proved.",
    ),
    AlarmRule(
        kind="clock_skew",
        on_delay_s=60.0,
        off_delay_s=60.0,
        response="Set the clock of the device (NTP); its times are not Genba's.",
        consequence="What happened is recorded at a wrong time.",
    ),
    AlarmRule(
        kind="backfill",
        response="See `genba historian gaps`; fetch the device's record by hand if it matters.",
        consequence="What a gap missed stays missing.",
    ),
    AlarmRule(kind="condition", response="Follow what the device's own manual says of it."),
)


def settings_of(
    plant: Plant, equipment: str, signal: str, kind: str, hint: AlarmSetting | None = None
) -> AlarmSetting:
    """Merge everything that is said of one alarm; the more particular wins, field by field.

    Parameters
    ----------
    plant : Plant
        Whose rules hold.
    equipment, signal : str
        What the alarm is about; empty where it is about neither.
    kind : str
        As the finding is called: ``limit_high``, ``stale``, ``machine_aborted`` ...

    hint : AlarmSetting, optional
        What the source itself says of it, such as a device of its own alarms; more particular
        than the built-in rules, less than the plant's.

    Returns
    -------
    AlarmSetting
        With ``priority``, ``enabled``, ``latch`` and both delays filled in.
    """
    found = AlarmSetting()
    for rules in (BUILT_IN, plant.alarms):
        for rule in rules:
            if rule.fits(equipment, signal, kind):
                found = rule.over(found)
        if rules is BUILT_IN and hint is not None:
            found = hint.over(found)
    own = plant.signals[signal].alarms.of_kind(kind) if signal in plant.signals else None
    if own is not None:
        found = own.over(found)
    if found.priority is None and found.severity is not None:
        priority = priority_of(found.severity, found.respond_within_s or float("inf"))
        found = found.model_copy(update={"priority": priority})
    return found
