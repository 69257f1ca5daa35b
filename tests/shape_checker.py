"""The checker that holds every annotation of ours to what really passes."""

from beartype import BeartypeConf, beartype

# As in Python's own rules, a whole number is good where a float is asked for.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
