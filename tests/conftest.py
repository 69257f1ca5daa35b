"""Settings of all tests."""

import os

from hypothesis import settings

# On a check of a change, the same examples every time: whether it passes must not hang on luck.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
