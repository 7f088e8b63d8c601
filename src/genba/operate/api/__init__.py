"""The HTTP API under ``/api/v1``: one app, one file per subject, every route behind an identity."""
