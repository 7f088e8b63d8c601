"""The operating system itself: runs the execution loop, keeps the state, serves the HTTP API."""
