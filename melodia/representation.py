"""What a domain brings to have its corpora prepared: how one file becomes arrays of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from melodia.recipe import Recipe
from melodia.splits import Signature

Arrays = dict[str, NDArray[Any]]  # by name, each (rows, ...)


class Reading(NamedTuple):
    """A file as rows."""

    arrays: Arrays
    size: int  # of what the corpus is measured in: notes, frames
    signature: Signature | None = None  # to find near-duplicates by; None if it has none
    tag: str = ""  # what `derive` wants to know of it


class Record(NamedTuple):
    """A piece of a prepared corpus, and where its rows are."""

    source: str  # the corpus it is from
    path: str  # within it
    sha256: str  # of the file
    size: int
    tag: str
    shard: str
    first_rows: tuple[int, ...]  # of each array, in the shard
    num_rows: tuple[int, ...]
    split: str = ""
    group: int = 0
    derived: bool = False


class Derived(NamedTuple):
    """A piece to make of others of the training split, for variety that the sources lack."""

    source: str
    path: str
    group: int
    parents: tuple[int, ...]  # indices of records
    random_seed: tuple[int, ...]


class Underived:
    """What a representation has that makes no pieces of others."""

    __slots__ = ()

    def derive(self, records: Sequence[Record]) -> list[Derived]:
        """None."""
        return []

    def combine(self, parents: Sequence[Arrays], derived: Derived) -> Reading:
        """Never asked for."""
        raise NotImplementedError


class Representation(Protocol):
    """See the module. It is pickled and sent to other processes, so it holds settings alone."""

    @property
    def name(self) -> str:
        """What `--as` calls it."""

    @property
    def domain(self) -> str:
        """Whose it is."""

    @property
    def unit(self) -> str:
        """What `Reading.size` counts."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of `Reading.arrays`."""

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that it reads, lower case."""

    @property
    def files_a_shard(self) -> int:
        """How many files' rows one process holds at once."""

    def companions(self, name: str) -> tuple[str, ...]:
        """The names of files beside one of that name which are read with it, if they are there."""

    def settings(self) -> dict[str, Any]:
        """Whatever changes what is read, its version too: JSON."""

    def for_recipe(self, recipe: Recipe) -> Representation:
        """The same as a corpus wants it."""

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes rows of a file's bytes.

        Raises:
            MelodiaError: it cannot be used; the message is the reason.
        """

    def derive(self, records: Sequence[Record]) -> list[Derived]:
        """The pieces to make of others, once the split is known."""

    def combine(self, parents: Sequence[Arrays], derived: Derived) -> Reading:
        """Makes such a piece."""
