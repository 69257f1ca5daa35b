"""``python -m cli`` is ``erf``, for launchers such as torchrun."""

from cli import main

main(prog_name="erf")
