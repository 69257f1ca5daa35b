"""Results in, Matplotlib artists and one self-contained page out."""
