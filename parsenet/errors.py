"""What can go wrong in ``parsenet``, as one small tree of exceptions.

    ParseNetError
    ├── ModelError        a variant or a keyword that names no model of this package
    ├── CheckpointError   a file that is no checkpoint of this package, or a damaged one
    ├── WeightsError      weights from elsewhere that do not fit the model
    ├── DatasetError      data that is missing, incomplete or damaged
    ├── SceneError        a scene that cannot be drawn as asked
    └── TrainingError     a training that cannot run as asked

Every message is one line that names the thing, its value and the limit it broke.
"""


class ParseNetError(Exception):
    """Any error that ``parsenet`` raises on purpose."""


class ModelError(ParseNetError, ValueError):
    """A variant or a keyword that names no model of this package."""


class CheckpointError(ParseNetError):
    """A file that is no checkpoint of this package, or a damaged one."""


class WeightsError(ParseNetError):
    """Weights from elsewhere that cannot be read or do not fit the model."""


class DatasetError(ParseNetError, ValueError):
    """Data that is missing, incomplete or damaged."""


class SceneError(ParseNetError, ValueError):
    """A scene that cannot be drawn as asked."""


class TrainingError(ParseNetError):
    """A training that cannot run as asked."""
