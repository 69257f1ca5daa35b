"""What can go wrong, in one picture. Every message is one line: the thing, the value, the limit.

ErfError (ValueError)
├── SettingError    a number or name given to a probe is out of range
├── LayerError      no such layer, or one whose output is not a map
├── UnitError       a unit or channel outside its layer
├── ExportError     the model has no graph to reason about
├── ModelError      the model is no pure, finite function of one image
├── PhotoError      a photo that cannot be read as a person sees it
├── SourceError     a name or file that leads to no model
├── TilingError     an image cannot be cut into tiles with the same result
└── StoreError      a result that cannot be read, or a place that must not be written
"""


class ErfError(ValueError):
    """Base of every error this package raises on purpose."""


class SettingError(ErfError):
    """A number or a name given to a probe is out of range."""


class LayerError(ErfError):
    """There is no such layer, or its output is not a map (n, channels, rows, cols)."""


class UnitError(ErfError):
    """A unit or a channel lies outside its layer."""


class ExportError(ErfError):
    """The model cannot be exported to a graph; the message says why and what still works."""


class ModelError(ErfError):
    """The model is random, or it, the image or an output is not finite; or its gradient is cut."""


class StoreError(ErfError):
    """A result cannot be read, or its place is taken by something else."""


class PhotoError(ErfError):
    """A photo cannot be read, or its file does not say how bright its pixels are."""


class SourceError(ErfError):
    """A name or a file leads to no model, or its weights do not fit."""


class TilingError(ErfError):
    """No overlap of tiles gives what the whole image gives, or these tiles are too small for it."""
