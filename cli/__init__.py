"""The ``erf`` command: parses, calls, prints. One command a file; heavy imports inside it."""
