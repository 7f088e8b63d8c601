"""The historian: every sample, once."""

from genba.historian.gaps import Entry, GapLedger
from genba.historian.historian import Historian
from genba.historian.ingest import Ingest
from genba.historian.queries import How
from genba.historian.schema import RECORDS, SAMPLES

__all__ = ["RECORDS", "SAMPLES", "Entry", "GapLedger", "Historian", "How", "Ingest"]
