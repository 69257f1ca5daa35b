"""The name of a layer: a module's path, and if need be which of its calls and of its outputs.

layer3.0.conv1        what the module puts out, when it is called last
head#2                when it is called for the second time
pool[1], out[aux]     a member of the tuple, list or dictionary that it puts out
output, output[out]   what the model itself puts out
block[grid=14x14+1]   its tokens as 14 rows of 14, after 1 that is none of them
block/add, block/add#2   the last, the second addition that no module within the block makes
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from erf.errors import LayerError

PATTERN = re.compile(r"(?P<path>.*?)(#(?P<call>\d+))?(?P<keys>(\[[^\[\]]+\])*)", re.DOTALL)
GRID = re.compile(r"grid=(\d+)x(\d+)(?:\+(\d+))?")
OUTPUT = "output"
FUNCTION = "/"
"""Between a module's path and an operation in it."""


@dataclass(frozen=True)
class LayerName:
    """A layer's name, taken apart.

    Attributes:
        text: as it was given.
        path: of the module; empty for the model itself.
        call: which call of the module, from 1 on; None for the last.
        keys: of the member of what it puts out, outermost first.
        grid: (rows, cols, others before) of a row of tokens, where that is said.
    """

    text: str
    path: str
    call: int | None = None
    keys: tuple[str, ...] = ()
    grid: tuple[int, int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> LayerName:
        """Take a name apart.

        Raises:
            LayerError: when its call is 0, or its grid is empty.

        Example:
            >>> LayerName.parse("pool#2[1]")
            LayerName(text='pool#2[1]', path='pool', call=2, keys=('1',), grid=None)
            >>> LayerName.parse("blocks.3[grid=14x14+1]").grid
            (14, 14, 1)
        """
        match = PATTERN.fullmatch(text)
        assert match is not None
        call = None if match["call"] is None else int(match["call"])
        if call == 0:
            raise LayerError(f"layer {text!r}: calls are counted from 1 on")
        keys = tuple(re.findall(r"\[([^\[\]]+)\]", match["keys"]))
        grids = [found for key in keys if (found := GRID.fullmatch(key))]
        keys = tuple(key for key in keys if not GRID.fullmatch(key))
        if not grids:
            return cls(text, match["path"], call, keys)
        rows, cols, before = (int(number or 0) for number in grids[-1].groups())
        if rows < 1 or cols < 1:
            raise LayerError(f"layer {text!r}: a grid of {rows}x{cols} has no tokens")
        return cls(text, match["path"], call, keys, (rows, cols, before))

    def path_among(self, paths: Container[str]) -> str:
        """The module's path, if it is one of these; ``output`` is the model's, if no module is.

        Raises:
            KeyError: when there is none.
        """
        path = "" if self.path == OUTPUT and OUTPUT not in paths else self.path
        if path not in paths:
            raise KeyError(path)
        return path

    def select(self, output: object) -> object:
        """The member of a module's output that is meant.

        Raises:
            LayerError: when there is no such member; it names those that there are.
        """
        for key in self.keys:
            known = dict(members(output))
            if key not in known:
                there = ", ".join(known) or f"none: it is a {type(output).__name__}"
                raise LayerError(f"layer {self.text!r}: no member {key!r}; there are {there}")
            output = known[key]
        return output


def members(output: object) -> Iterator[tuple[str, object]]:
    """The members of a tuple, a list or a dictionary, by their keys as text.

    Example:
        >>> [key for key, _ in members({"out": 1, "aux": 2})]
        ['out', 'aux']
    """
    if isinstance(output, Mapping):
        yield from ((str(key), value) for key, value in output.items())
    elif isinstance(output, (tuple, list)):
        yield from ((str(index), value) for index, value in enumerate(output))
    elif hasattr(output, "__dataclass_fields__"):
        yield from ((name, getattr(output, name)) for name in output.__dataclass_fields__)


def only_tensor(name: LayerName, output: object) -> object:
    """The member of an output that a name means; of one with a single tensor, that.

    Raises:
        LayerError: when there are several, with their names.
    """
    output = name.select(output)
    found = [] if isinstance(output, Tensor) else list(tensors_in(output))
    if len(found) > 1:
        names = ", ".join(f"{name.text}{member}" for member, _ in found[:6])
        raise LayerError(
            f"layer {name.text!r} puts out a {type(output).__name__} of {len(found)} tensors; "
            f"name one: {names}"
        )
    return found[0][1] if found else output


def tensors_in(output: object, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors of an output with what is to be added to the layer's name.

    Example:
        >>> import torch
        >>> [name for name, _ in tensors_in({"a": torch.ones(1), "b": (torch.ones(1),)})]
        ['[a]', '[b][0]']
    """
    if isinstance(output, Tensor):
        yield name, output
    else:
        seen: set[int] = set()
        for key, value in members(output):
            if id(value) not in seen:
                seen.add(id(value))
                yield from tensors_in(value, f"{name}[{key}]")


def with_grid(layer: str, grid: tuple[int, int] | None, before: int | None) -> str:
    """A layer's name that says which grid its tokens are.

    Args:
        layer: its name.
        grid: (rows, cols); None leaves the name as it is.
        before: tokens before the grid's, such as a class token.

    Raises:
        LayerError: when tokens before a grid are named, and no grid.

    Example:
        >>> with_grid("blocks.3", (14, 14), 1)
        'blocks.3[grid=14x14+1]'
    """
    if grid is None:
        if before is not None:
            raise LayerError(f"{before} tokens before a grid, but no grid: name --grid ROWS,COLS")
        return layer
    return f"{layer}[grid={grid[0]}x{grid[1]}" + (f"+{before}]" if before else "]")


GRID_HINT = (
    "where they are tokens of a grid, say of which: --grid ROWS,COLS and --prefix N (in a layer's "
    "name, {}[grid=ROWSxCOLS+N])"
)
"""What makes a map of a row of tokens."""
