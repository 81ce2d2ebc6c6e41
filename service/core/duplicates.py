"""Does a face that is enrolled look like another subject's? Told of, never refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from faces.modality import Modality
from service.core.access import Scope
from service.core.gallery import Alike, Gallery, Hit, NewTemplate, Owner
from service.core.identify import look
from service.core.ports import Parts, Store

MOST = 5
"""Subjects that are told of."""

SAME = 0.9999
"""From this score on it is the very image, whatever a calibration says."""


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Another subject whose face is as like; `template_id` is their most similar template."""

    subject_id: str
    name: str | None
    score: float
    template_id: str


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How many other subjects are as like, and those of them that the actor may be told of."""

    subjects: int = 0
    told: tuple[PossibleDuplicate, ...] = ()


def search(
    templates: Sequence[NewTemplate], gallery: Gallery, subject_id: str, parts: Parts
) -> Alike:
    """Who else in the gallery looks like somebody about to be enrolled as `subject_id`."""
    if not gallery.settings.duplicates.is_on:
        return Alike()
    parts.index.catch_up(parts.store, gallery.id)
    standing = parts.index.standing().get(gallery.id)
    hits: list[Hit] = []
    thresholds = [1.0]
    for one in templates:
        _, candidates, threshold = look(
            one.encoded.vector,
            gallery,
            MOST + 1,  # they themselves may be among them
            lambda searched, by=one.encoded.modality: (  # type: ignore[misc]
                _threshold(by, searched, gallery, parts),
                lambda score: None,
            ),
            store=parts.store,
            index=parts.index,
        )
        others = [found for found in candidates if found.subject_id != subject_id]
        hits += [Hit(found.template, found.score) for found in others]
        thresholds.append(threshold)
    return Alike(tuple(hits), standing.applied if standing else 0, min(thresholds))


def _threshold(modality: Modality, searched: int, gallery: Gallery, parts: Parts) -> float:
    check = gallery.settings.duplicates
    if check.min_score is not None:
        return check.min_score
    calibration = parts.calibration(modality)
    if calibration is None or check.target_fpir is None:
        return SAME
    return min(SAME, calibration.threshold_at_fpir(check.target_fpir, searched))


def resemblances(alike: Sequence[Sequence[Hit]], gallery: str, store: Store) -> list[Resemblance]:
    """Whose these templates are by now, for each of several enrolments.

    Who may not search is told only how many subjects it is: enrolling must not be a way to find out
    who somebody is.
    """
    numbers = [hit.template for hits in alike for hit in hits]
    owners = store.owners(store.gallery(gallery), numbers) if numbers else {}
    return [_resemblance(hits, owners, store.actor.scopes) for hits in alike]


def _resemblance(
    hits: Sequence[Hit], owners: Mapping[int, Owner], scopes: Collection[Scope]
) -> Resemblance:
    """The best template of each subject, best first."""
    best: dict[str, PossibleDuplicate] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.template)):
        owner = owners.get(hit.template)
        if owner is not None:
            found = PossibleDuplicate(owner.subject_id, owner.name, hit.score, owner.template_id)
            best.setdefault(owner.subject_id, found)
    few = tuple(best.values())[:MOST]
    return Resemblance(len(few), few if Scope.READ in scopes else ())
