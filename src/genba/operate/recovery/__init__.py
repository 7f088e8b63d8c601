"""Recovery after outages: the gap ledger is kept, and gaps are filled from the devices' records."""

from genba.operate.recovery.recovery import Recovery

__all__ = ["Recovery"]
