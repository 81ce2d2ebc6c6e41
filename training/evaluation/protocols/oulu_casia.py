"""Oulu-CASIA NIR-VIS: 20 people train, 20 others are tested; all six expressions, `Strong` light.

There is no official list. Five draws with seeds are averaged; a published test list, where it is
found (`protocols/oulu_casia` in or beside the data), is one more fold, measured by itself.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faces.modality import Modality
from training.evaluation.protocols.fold import Fold, train_pool
from training.evaluation.protocols.tree import Images, child
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial, some

NAME = "oulu-casia-nir-vis"
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
PEOPLE = 20
"""In the training of a draw, and as many others in its test."""
FRAMES = 8
"""Of each expression, in each modality."""
DRAWS = 5
LISTS = {Modality.VIS: "test_vis_paths.txt", Modality.NIR: "test_nir_paths.txt"}
_FRAME = re.compile(r"(?:^|/)(ni|vl)[^/]*?[/_]strong/(p\d+)/([a-z]+)[^/]*/[^/]+$", re.IGNORECASE)
"""NI/Strong/P001/Anger/000.jpeg; also NI_Strong/..., and any letter case."""

Frames = dict[tuple[str, Modality, str], list[Path]]
"""By person, modality and expression, in the order of their names."""


def oulu_casia(data: Path) -> list[Fold]:
    """The draws, then the published test people where their list is found.

    Raises:
        DataMissingError: saying which people or frames are missing.
    """
    images = Images(_root(data))
    frames = _frames(images)
    people = _complete(frames, images.root)
    drawn = [_draw(frames, people, seed) for seed in range(1, DRAWS + 1)]
    return [*drawn, *_published(data, images, frames, people)]


def _draw(frames: Frames, people: Sequence[str], seed: int) -> Fold:
    rng = np.random.default_rng(seed)
    order = [people[i] for i in rng.permutation(len(people))[: 2 * PEOPLE]]
    samples = {person: _eight(frames, person, rng) for person in order}
    train, test = order[:PEOPLE], order[PEOPLE:]
    trial = _trial(
        f"{NAME} draw {seed}", [s for person in test for s in samples[person]], mean_of=NAME
    )
    return _fold(str(seed), trial, [s for person in train for s in samples[person]])


def _published(data: Path, images: Images, frames: Frames, people: Sequence[str]) -> Iterator[Fold]:
    """The published 20; who trained with them is not, so 20 of the others are drawn."""
    lists = _published_lists(data)
    if not lists:
        return
    test = [
        _sample(path, modality)
        for modality, listed_in in lists.items()
        for path in images.find_all(_listed(listed_in), listed_in, NAME)
    ]
    trial = _trial(f"{NAME} published", test)
    rng = np.random.default_rng(0)
    others = [person for person in people if f"oulu/{person}" not in trial.subjects]
    drawn = [others[i] for i in rng.permutation(len(others))[:PEOPLE]]
    train = [s for person in drawn for s in _eight(frames, person, rng)]
    note = "the published list names its test people only: those who train are a draw of ours"
    yield _fold("published", trial, train, (note,))


def _fold(name: str, trial: Trial, train: list[Sample], notes: tuple[str, ...] = ()) -> Fold:
    pools = {
        modality: train_pool(s for s in train if s.modality is modality)
        for modality in (Modality.VIS, Modality.NIR)
    }
    return Fold(name, (trial,), pools, notes=notes)


def _trial(name: str, samples: list[Sample], mean_of: str | None = None) -> Trial:
    return Trial(
        name,
        gallery=tuple(s for s in samples if s.modality is Modality.VIS),
        probes=tuple(s for s in samples if s.modality is Modality.NIR),
        mean_of=mean_of,
    )


def _eight(frames: Frames, person: str, rng: np.random.Generator) -> list[Sample]:
    return [
        _sample(there[i], modality)
        for modality in (Modality.VIS, Modality.NIR)
        for expression in EXPRESSIONS
        for there in [frames[person, modality, expression]]
        for i in sorted(rng.permutation(len(there))[:FRAMES])
    ]


def _sample(path: Path, modality: Modality) -> Sample:
    return Sample(f"oulu/{path.parent.parent.name.upper()}", modality, path)


def _frames(images: Images) -> Frames:
    found: Frames = {}
    for path in images.all():
        match = _FRAME.search(path.relative_to(images.root).as_posix())
        if match:
            camera, person, expression = (part.casefold() for part in match.groups())
            modality = Modality.NIR if camera == "ni" else Modality.VIS
            found.setdefault((person.upper(), modality, expression), []).append(path)
    return found


def _complete(frames: Frames, root: Path) -> list[str]:
    """People with enough frames of every expression in both modalities, by name."""
    people = sorted({person for person, _, _ in frames})
    lacking = {person: gap for person in people if (gap := _gap(frames, person))}
    complete = [person for person in people if person not in lacking]
    if len(complete) < 2 * PEOPLE:
        example = f" For example {next(iter(lacking.values()))}." if lacking else ""
        raise DataMissingError(
            f"{NAME}: {2 * PEOPLE} people with {FRAMES} frames of each of {len(EXPRESSIONS)} "
            f"expressions in NI/Strong and in VL/Strong are needed, {len(complete)} of "
            f"{len(people)} in {root} have them.{example}"
        )
    return complete


def _gap(frames: Frames, person: str) -> str:
    for modality, camera in ((Modality.NIR, "NI"), (Modality.VIS, "VL")):
        for expression in EXPRESSIONS:
            count = len(frames.get((person, modality, expression), ()))
            if count < FRAMES:
                return f"{camera}/Strong/{person} has {count} frames of {expression}"
    return ""


def _root(data: Path) -> Path:
    """The folder that holds NI and VL (or NI_Strong and VL_Strong)."""
    if not data.is_dir():
        raise DataMissingError(f"{NAME}: the folder {data} is missing.")
    inside = [path for path in sorted(data.iterdir()) if path.is_dir()]
    for root in (data, *inside, *(p for path in inside if _is_set(path) for p in _folders(path))):
        if all(child(root, name, f"{name}_Strong", f"{name}_Acropped") for name in ("NI", "VL")):
            return root
    raise DataMissingError(
        f"{NAME}: no folders NI and VL side by side in {data}. Expected is "
        "NI/Strong/P001/Anger/000.jpeg, and VL/... alike."
    )


def _is_set(path: Path) -> bool:
    return "oulu" in path.name.casefold()


def _folders(path: Path) -> list[Path]:
    return [inside for inside in sorted(path.iterdir()) if inside.is_dir()]


def _published_lists(data: Path) -> dict[Modality, Path]:
    places = [
        folder / part
        for folder in (data, data.parent)
        for part in ("protocols/oulu_casia", "protocols", "oulu_casia", ".")
    ]
    for place in places:
        found = {modality: child(place, name) for modality, name in LISTS.items()}
        lists = {modality: path for modality, path in found.items() if path}
        if len(lists) == len(LISTS):
            return lists
    return {}


def _listed(path: Path) -> list[str]:
    """First word of each line, NI/Strong/P009/Anger/018.jpeg; what follows is the person."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise DataMissingError(f"{NAME}: {some([path])} is empty.")
    return names
