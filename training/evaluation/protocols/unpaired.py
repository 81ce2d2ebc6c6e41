"""What unpaired means, and the check that it holds.

*shuffled* (the paper's): both modalities may show the same people; batches draw each by itself, so
that a pair meets by chance only. *halves* (strict): photos of one half of the people, drawings or
NIR frames of the other, so that no pair exists even by accident.
"""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Literal

from faces.modality import Modality
from training.evaluation.protocols.fold import Pools
from training.evaluation.protocols.trial import PeopleOverlapError, some

Unpaired = Literal["shuffled", "halves"]
Half = Literal["a", "b"]


def half_of(person: str) -> Half:
    """Which half a person is in, by a hash of the name without its set: no list to lose.

    Images of equal file names are one person's in CUFS and FS2K, so there it is the file's stem.
    """
    last = person.rpartition("/")[2]
    return "b" if hashlib.sha256(last.encode()).digest()[0] % 2 else "a"


def halves(pools: Pools) -> Pools:
    """The pools with whoever is in VIS and in another modality left in one: half a in VIS.

    Raises:
        PeopleOverlapError: an image has no name, so that nobody can know whose it is.
    """
    nameless = [image.path for pool in pools.values() for image in pool if image.subject is None]
    if nameless:
        raise PeopleOverlapError(f"people without a name cannot be halved: {some(nameless)}")
    shared = in_two_pools(pools)
    return {
        modality: tuple(
            image
            for image in pool
            if image.subject not in shared
            or half_of(str(image.subject)) == ("a" if modality is Modality.VIS else "b")
        )
        for modality, pool in pools.items()
    }


def in_two_pools(pools: Pools) -> frozenset[str]:
    """Who is in the VIS pool and in another one, as far as names tell."""
    named = {
        modality: frozenset(image.subject for image in pool if image.subject is not None)
        for modality, pool in pools.items()
    }
    vis = named.pop(Modality.VIS, frozenset())
    return vis & frozenset().union(*named.values())


def assert_unpaired(subjects: Mapping[Modality, Iterable[str | None]]) -> None:
    """Check that no known person is in the pools of two modalities (the strict setting).

    Raises:
        PeopleOverlapError: naming the modalities and some of the people.
    """
    known = {m: frozenset(s for s in names if s is not None) for m, names in subjects.items()}
    for first, second in combinations(known, 2):
        both = sorted(known[first] & known[second])
        if both:
            raise PeopleOverlapError(
                f"not strictly unpaired: {len(both)} people are in both {first} and {second} "
                f"({some(both)}). Take one half of the people for each (half = 'a', half = 'b'), "
                "or say that pairs are only shuffled (unpaired = 'shuffled')."
            )
