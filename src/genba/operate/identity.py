"""Who may do what: the names that the rest of Genba needs of :mod:`genba.operate.people`."""

from genba.operate.people import Identities, Identity, Kind, PersonRole, Scope

__all__ = ["Identities", "Identity", "Kind", "PersonRole", "Scope"]
