"""The audit log: who did what, when, from where, with what result; append-only and hash-chained."""

from genba.operate.audit.chain import Act, Entry, Result
from genba.operate.audit.log import AuditLog
from genba.operate.audit.reading import entries
from genba.operate.audit.verify import Checked, verify

__all__ = ["Act", "AuditLog", "Checked", "Entry", "Result", "entries", "verify"]
