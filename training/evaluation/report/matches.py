"""The best and the worst matches of one system, to look at."""

from collections.abc import Iterable

import numpy as np

from training.evaluation.comparisons import MISS, search
from training.evaluation.report.markup import Html, element, figure, join, note, photo, section
from training.evaluation.run import Evaluation, Outcome

SHOWN = 6


def matches_section(evaluation: Evaluation, outcome: Outcome) -> Html:
    """By how far the mate scores above anybody else; lost faces have no score to show."""
    searches = search(outcome.scores)
    found = np.flatnonzero(searches.rank != MISS)
    with np.errstate(invalid="ignore"):
        margin = searches.mated[found] - searches.nonmated[found]
    order = found[np.argsort(-margin, kind="stable")]
    return section(
        3,
        f"Best and worst matches of {outcome.result.system}",
        note(
            "Each: the probe, its mate, and the most similar other subject. Best: the mate is "
            "furthest above anybody else; worst: furthest below."
        ),
        element("h4", Html("Best")),
        _row(evaluation, outcome, order[:SHOWN]),
        element("h4", Html("Worst")),
        _row(evaluation, outcome, order[::-1][:SHOWN]),
    )


def _row(evaluation: Evaluation, outcome: Outcome, probes: Iterable[int]) -> Html:
    shown = [_match(evaluation, outcome, int(probe)) for probe in probes]
    return element("div", *shown, class_="matches")


def _match(evaluation: Evaluation, outcome: Outcome, probe: int) -> Html:
    scores, trial = outcome.scores, outcome.trial
    similarity = np.where(scores.reference_found, scores.similarity[probe], -np.inf)
    own = scores.references == scores.probes[probe]
    mate = int(np.where(own, similarity, -np.inf).argmax())
    other = int(np.where(own, -np.inf, similarity).argmax())
    crops = evaluation.crops_of([trial.probes[probe], trial.gallery[mate], trial.gallery[other]])
    names = ("probe", "mate", "most similar other subject")
    result = outcome.result.searches[probe]
    caption = (
        f"{result.file}: rank {result.rank}, "
        f"mate {similarity[mate]:.3f}, other {similarity[other]:.3f}"
    )
    pictures = [photo(crop, name) for crop, name in zip(crops, names, strict=True)]
    return figure(join(pictures), caption)
