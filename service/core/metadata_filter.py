"""Which subjects of a gallery are meant, by their metadata."""

from collections.abc import Mapping
from dataclasses import dataclass

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MetadataFilter:
    """Of each key named, the metadata has one of the values; a list has all that are in it.

    None is the value of a key that is missing, too. `true` is not 1, and 1 is 1.0.
    """

    any_of: Mapping[str, tuple[Scalar, ...]]
