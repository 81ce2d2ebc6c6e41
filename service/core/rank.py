"""Hits -> a candidate list: pure, one row a subject, the best template wins."""

import math
from collections.abc import Callable, Mapping, Sequence

from service.core.gallery import Candidate, Hit, Owner
from service.core.ports import Found


def rank(
    hits: Sequence[Hit],
    owners: Mapping[int, Owner],
    *,
    top_k: int,
    threshold: float,
    fpir: Callable[[float], float | None],
) -> list[Candidate]:
    """Order the subjects behind `hits`.

    A hit counts when score >= threshold and its template still has an owner. Of equal scores, the
    template enrolled first comes first.
    """
    best: dict[str, tuple[Hit, Owner]] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.template)):
        owner = owners.get(hit.template)
        if owner is not None and hit.score >= threshold:
            best.setdefault(owner.subject_id, (hit, owner))
    return [
        Candidate(
            place,
            owner.subject_id,
            owner.name,
            hit.score,
            fpir(hit.score),
            owner.template_id,
            hit.template,
        )
        for place, (hit, owner) in enumerate(list(best.values())[:top_k], 1)
    ]


def is_complete(
    candidates: Sequence[Candidate], found: Found, *, top_k: int, threshold: float
) -> bool:
    """Whether looking at more hits than `found` has could not change `candidates`.

    Unseen templates score at most what the last hit does, and may tie with it. Where there is no
    hit at all, they are being removed at this moment: look again.
    """
    if len(found.hits) >= found.searched:
        return True
    last = min((hit.score for hit in found.hits), default=math.inf)
    return last < threshold or (len(candidates) == top_k and last < candidates[-1].score)
