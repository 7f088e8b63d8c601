"""``python -m genba`` is the same as ``genba``."""

from genba.cli.main import main

main()
