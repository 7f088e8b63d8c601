"""The HTTP API under ``/api/v1``: one app, one file per subject, every route behind an identity."""

from genba.operate.api.app import create_app

__all__ = ["create_app"]
