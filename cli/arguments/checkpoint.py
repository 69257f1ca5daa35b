"""Naming a trained checkpoint on the command line: a file, or one that is shipped."""

CHECKPOINT_HELP = (
    "CHECKPOINT is a .safetensors file of `erf train`, or one shipped with this package: none, "
    "early, late."
)
