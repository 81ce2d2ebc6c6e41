"""One trial: its tables, its curves, what c and s tell, and faces to look at."""

from collections.abc import Iterator, Sequence

import numpy as np

from training.evaluation.analysis import Analysis
from training.evaluation.comparisons import compare
from training.evaluation.plane import principal_plane
from training.evaluation.report.markup import (
    Html,
    drawing,
    element,
    figure,
    note,
    section,
    text,
)
from training.evaluation.report.matches import matches_section
from training.evaluation.report.pictures import pictures_section
from training.evaluation.report.plots import (
    cmc_plot,
    det_plot,
    map_plot,
    open_set_plot,
    rank_1_plot,
    reliability_plot,
    roc_plot,
    scores_plot,
)
from training.evaluation.report.tables import (
    differences_table,
    folds_table,
    groups_table,
    leaks_table,
    results_table,
)
from training.evaluation.results import Result
from training.evaluation.run import Evaluation, Outcome
from training.evaluation.screen import title_of
from training.evaluation.trained import TrainedRun

NAMED_PEOPLE = 10
"""Coloured in the map of people; the others are grey."""


def chapter(evaluation: Evaluation, analysis: Analysis, run: TrainedRun | None, name: str) -> Html:
    """Everything about one trial, or about the mean over the folds of that name.

    The first system is the one that is looked at closely; of folds, the first.
    """
    results = [result for result in evaluation.headline if result.trial == name]
    folds = [o for o in evaluation.of_first_system if name in (o.trial.name, o.trial.mean_of)]
    ours = folds[0]
    return section(
        2,
        title_of(results[0]),
        results_table(results),
        _folds(folds),
        differences_table([d for d in evaluation.differences if d.trial == name]),
        section(3, "Curves", element("div", *_curves(results, ours), class_="plots")),
        _groups(analysis, ours),
        _calibration(analysis, ours.trial.name),
        _content(analysis, ours),
        _identity(analysis, ours.trial.name),
        pictures_section(evaluation, ours, run) if run else Html(""),
        matches_section(evaluation, ours),
        anchor=name,
    )


def _folds(outcomes: Sequence[Outcome]) -> Html:
    if len(outcomes) == 1:
        return Html("")
    return section(
        3,
        f"Folds of {outcomes[0].result.system}",
        folds_table([outcome.result for outcome in outcomes]),
        note(f"What follows the curves looks at {outcomes[0].trial.name} only."),
    )


def _curves(results: Sequence[Result], ours: Outcome) -> Iterator[Html]:
    pairs = compare(ours.scores)
    mated = pairs.mated[np.isfinite(pairs.mated)]
    name = results[0].system
    plots = [
        (
            rank_1_plot(results),
            "Rank-1 with its interval over people. The colours are those of every plot.",
        ),
        (cmc_plot(results), f"CMC, closed set. Band: interval of {name}."),
        (roc_plot(results), "ROC, measurable FMRs only."),
        (det_plot(results), "DET: the same errors on normal deviates, with the same interval."),
        (open_set_plot(results), "Open set: mated searches lost over non-mated ones answered."),
    ]
    if mated.size and pairs.nonmated.size:
        plots.append((scores_plot(mated, pairs.nonmated), f"Scores of {name}."))
    for svg, caption in plots:
        if svg:
            yield figure(drawing(svg, caption), caption)


def _groups(analysis: Analysis, ours: Outcome) -> Html:
    """By sex, skin tone and whatever else is known of the trial's people."""
    told = [
        each
        for each in analysis.breakdowns
        if (each.trial, each.system) == (ours.trial.name, ours.result.system)
    ]
    if not told:
        return Html("")
    sources = [
        element("li", element("b", text(name)), text(f": {words}."))
        for name, words in told[0].told_by.items()
    ]
    return section(
        3,
        f"By group: {ours.result.system}",
        groups_table(told[0].groups),
        note(
            "Rank-1 in the whole gallery. FNMR of the group's own comparisons and FMR between two "
            "of its people, both at the threshold of FMR 1 % over everybody: a group with a higher "
            "FMR is confused with one another more often. Intervals draw the people of the group; "
            "where they overlap nothing is told apart. No correction for the number of groups."
        ),
        element("ul", *sources, class_="note"),
    )


def _calibration(analysis: Analysis, trial: str) -> Html:
    held = next((each for each in analysis.reliability if each.trial == trial), None)
    if held is None:
        return Html("")
    plots = [
        figure(drawing(reliability_plot(curve, rate), f"{rate}: stated and observed"), caption)
        for rate, curve, caption in (
            ("FMR", held.fmr, "Verification: share of impostors above the threshold for an FMR."),
            ("FPIR", held.fpir, "Search: non-mated searches with a candidate above the threshold."),
        )
        if curve
    ]
    return section(
        3,
        "Calibration: stated and observed",
        note(
            "Thresholds as a service takes them from the bundle. On the dashed line a stated rate "
            "holds; above it more impostors pass than promised. Triangles: nobody passed, the mark "
            "is the smallest rate that so many attempts can show."
        ),
        element("div", *plots, class_="plots"),
    )


def _content(analysis: Analysis, ours: Outcome) -> Html:
    """Maps of c, and how well it tells the modality."""
    leaks = [named for named in analysis.modality_leaks if named.trial == ours.trial.name]
    table = (
        section(
            4,
            "Modality leak",
            note(
                "A linear probe guesses the modality, cross-validated by person: lower is better, "
                "chance is the aim. It sees the vectors as they are compared."
            ),
            leaks_table(leaks, first_is_ours=True),
        )
        if leaks
        else Html("")
    )
    return section(
        3,
        f"Content vectors of {ours.result.system}",
        element("div", *_maps(ours), class_="plots"),
        table,
    )


def _maps(ours: Outcome) -> Iterator[Html]:
    scores, trial = ours.scores, ours.trial
    found = np.concatenate([scores.probe_found, scores.reference_found])
    if found.sum() < 3:
        return
    shown = [s for s, there in zip((*trial.probes, *trial.gallery), found, strict=True) if there]
    places, shares = principal_plane(np.concatenate([ours.probes, ours.references])[found])
    people = sorted({sample.subject for sample in trial.probes})
    coloured = {people[int(n)] for n in np.linspace(0, len(people) - 1, NAMED_PEOPLE)}
    by_person = [s.subject.rsplit("/")[-1] if s.subject in coloured else "" for s in shown]
    for groups, caption in (
        ([str(sample.modality) for sample in shown], "By modality: apart is a leak."),
        (by_person, f"By person, {len(coloured)} of them: together is what matching needs."),
    ):
        yield figure(drawing(map_plot(places, groups, shares), caption), caption)


def _identity(analysis: Analysis, trial: str) -> Html:
    leaks = [named for named in analysis.identity_leaks if named.trial == trial]
    if not leaks:
        return Html("")
    return section(
        3,
        "Identity leak of s",
        note(
            "A linear map from the s of a probe to the s of the person's reference, fitted on "
            "other people: how often the mate is then the nearest of its fold. Lower is better for "
            "s; c by the same probe shows what identity looks like."
        ),
        leaks_table(leaks, first_is_ours=False),
    )
