"""What the decoders of a run make of test images: translations, and content in swapped styles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.evaluation.floors import as_grey
from training.evaluation.report.markup import Html, element, figure, note, photo, section, text
from training.evaluation.run import Evaluation, Outcome
from training.evaluation.systems import GreyCrops
from training.evaluation.trained import TrainedRun

COLUMNS = 8
SWAPPED = 6
GAP = 2
"""White pixels between pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """(n, size, size) crops of the same n people in one domain."""

    domain: Modality
    crops: GreyCrops

    @property
    def of_others(self) -> GreyCrops:
        """Crops of the same domain, each of somebody else."""
        return np.roll(self.crops, 1, axis=0)


def pictures_section(evaluation: Evaluation, outcome: Outcome, run: TrainedRun) -> Html:
    """Both, for people of one trial; nothing where the run does not know their modalities."""
    sides = _sides(evaluation, outcome)
    if sides is None or not {side.domain for side in sides} <= set(run.domains):
        return Html("")
    probes, mates = sides
    both_ways = [(probes, mates), (mates, probes)] if probes.domain != mates.domain else []
    return section(
        3,
        f"Translations and style swaps by {run.name}",
        note(
            "D_j(c, s): the content of one image decoded into domain j in the style of another "
            "image of j. People of the test. What a decoder draws is no likeness to rely on."
        ),
        *(_translations(source, target, run) for source, target in both_ways),
        *(_swaps(source, target, run) for source, target in both_ways or [(probes, mates)]),
    )


def _sides(evaluation: Evaluation, outcome: Outcome) -> tuple[_Side, _Side] | None:
    """People spread over the trial, each with a probe and a mate in which a face was found."""
    scores, trial = outcome.scores, outcome.trial
    first = {str(s): row for row, s in reversed(list(enumerate(scores.references)))}
    whole = [
        (probe, first[str(subject)])
        for probe, subject in enumerate(scores.probes)
        if scores.probe_found[probe] and scores.reference_found[first[str(subject)]]
    ]
    if len(whole) < 2:
        return None
    chosen = sorted({int(place) for place in np.linspace(0, len(whole) - 1, COLUMNS)})
    probes = [trial.probes[whole[place][0]] for place in chosen]
    mates = [trial.gallery[whole[place][1]] for place in chosen]
    if len({s.modality for s in probes}) > 1 or len({s.modality for s in mates}) > 1:
        return None
    made = [
        _Side(
            shown[0].modality,
            as_grey(evaluation.crops_of(shown).astype(np.float32) / np.float32(255)),
        )
        for shown in (probes, mates)
    ]
    return made[0], made[1]


def _translations(source: _Side, target: _Side, run: TrainedRun) -> Html:
    i, j = source.domain, target.domain
    rows = (
        (f"{i}: the image", source.crops),
        (f"{i}: itself again", run.translate(source.crops, i, source.crops, i)),
        (
            f"{j}: translated, in somebody else's style",
            run.translate(source.crops, i, target.of_others, j),
        ),
        (f"{j}: the person's own image", target.crops),
    )
    lines = [
        element(
            "tr",
            element("th", text(name), scope="row"),
            element("td", photo(montage([pictures]), name, "strip")),
        )
        for name, pictures in rows
    ]
    return element(
        "figure",
        element("div", element("table", *lines, class_="strips"), class_="wide"),
        element("figcaption", text(f"{i} to {j}")),
    )


def _swaps(source: _Side, target: _Side, run: TrainedRun) -> Html:
    """Rows share content, columns style."""
    content, style = source.crops[:SWAPPED], target.of_others[:SWAPPED]
    count, styles = len(content), len(style)
    made = run.translate(
        np.repeat(content, styles, axis=0),
        source.domain,
        np.tile(style, (count, 1, 1)),
        target.domain,
    )
    size = made.shape[-1]
    grid = made.reshape(count, styles, size, size)
    blank = np.ones((1, size, size), dtype=np.float32)
    head = np.concatenate([blank, shrink(style, size)])
    body = [
        np.concatenate([shrink(content[row : row + 1], size), grid[row]]) for row in range(count)
    ]
    return figure(
        photo(montage([head, *body]), "style swaps", "grid"),
        f"Style swaps: content of the {source.domain} image at the left, style of the "
        f"{target.domain} image above.",
    )


def montage(rows: Sequence[GreyCrops]) -> NDArray[np.uint8]:
    """Pictures in [0, 1] side by side, row under row, with a white gap."""
    lines = [np.hstack([_framed(picture) for picture in row]) for row in rows]
    return np.rint(np.clip(np.vstack(lines), 0, 1) * 255).astype(np.uint8)


def _framed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(picture, GAP, constant_values=1)


def shrink(crops: GreyCrops, size: int) -> GreyCrops:
    """(n, size, size) means over squares, for crops whose side is a multiple of `size`."""
    times = crops.shape[-1] // size
    shape = (len(crops), size, times, size, times)
    return np.asarray(crops.reshape(shape).mean(axis=(2, 4)), dtype=np.float32)
