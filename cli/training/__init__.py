"""What `erf train` is made of: what was asked for, the run, what is shown of it and left behind."""
