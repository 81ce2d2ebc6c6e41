"""A user's own data: one folder or CSV a modality, to train on and to test with.

    DATA/train/vis  DATA/train/nir  DATA/train/sketch    two or three of them; no names needed
    DATA/test/vis   DATA/test/nir   DATA/test/sketch     VIS is the gallery, the others are probes

`train/` may be left out (DATA/vis, DATA/nir ...); so may `test/`. DATA/gallery and DATA/probes are
another way to say what is tested. Each may be a CSV of that name (`vis.csv`: path, subject).
DATA/attributes.csv (subject, and a column for each attribute) breaks results down by group.
"""

from dataclasses import replace
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.annotations import annotations
from training.evaluation.protocols.fold import Fold, Pools
from training.evaluation.protocols.listing import images_to_train_on, listing, samples_to_test
from training.evaluation.protocols.tree import child, is_image, walk
from training.evaluation.protocols.trial import DataMissingError, Trial, check_mates

OTHERS = (Modality.NIR, Modality.SKETCH)


def folders(data: Path, probe_modality: Modality = Modality.SKETCH) -> list[Fold]:
    """One fold: what DATA holds to train on, and to test with.

    In a test, the same file stem, sub-folder (several images a person) or `subject` is the same
    person. `probe_modality` is that of DATA/probes.

    Raises:
        DataMissingError: neither is there, or a part of them is not whole.
        PeopleOverlapError: somebody with a name is in both.
    """
    if not data.is_dir():
        raise DataMissingError(f"folders: the folder {data} is missing.")
    pools = _pools(data)
    attributes = annotations(data / "attributes.csv")
    trials = tuple(replace(t, attributes=attributes) for t in _trials(data, probe_modality))
    if not pools and not trials:
        raise DataMissingError(_nothing(data))
    return [Fold("1", trials, pools, no_train=_no_train(data, pools), no_test=_no_test(trials))]


def _pools(data: Path) -> Pools:
    folder = child(data, "train") or data
    found = {modality: listing(folder, modality) for modality in Modality}
    return {m: images_to_train_on(source) for m, source in found.items() if source}


def _trials(data: Path, probe_modality: Modality) -> tuple[Trial, ...]:
    test = child(data, "test")
    if test:
        return _trials_by_modality(test)
    gallery, probes = listing(data, "gallery"), listing(data, "probes")
    if gallery is None and probes is None:
        return ()
    if gallery is None or probes is None:
        there, lacking = ("probes", "gallery") if gallery is None else ("gallery", "probes")
        raise DataMissingError(
            f"folders: {data} has {there}, but the folder {data / lacking} (or {lacking}.csv) is "
            "missing."
        )
    return (_trial("folders", gallery, probes, probe_modality),)


def _trials_by_modality(test: Path) -> tuple[Trial, ...]:
    gallery = listing(test, Modality.VIS)
    probes = {m: source for m in OTHERS if (source := listing(test, m))}
    if gallery is None or not probes:
        raise DataMissingError(
            f"folders: {test} needs vis (the gallery) and nir or sketch (the probes), each a "
            f"folder or a CSV. There are: {_what_is_there(test)}."
        )
    return tuple(
        _trial("folders" if len(probes) == 1 else f"folders {m}", gallery, source, m)
        for m, source in probes.items()
    )


def _trial(name: str, gallery: Path, probes: Path, modality: Modality) -> Trial:
    trial = Trial(name, samples_to_test(gallery, Modality.VIS), samples_to_test(probes, modality))
    return check_mates(trial)


def _no_train(data: Path, pools: Pools) -> str:
    if Modality.VIS in pools and len(pools) > 1:
        return ""
    lacking = "vis" if Modality.VIS not in pools else "nir or sketch"
    return (
        f"folders: to train, {data / 'train'} (or {data}) needs {lacking}, a folder or a CSV. "
        f"There are: {_what_is_there(child(data, 'train') or data)}."
    )


def _no_test(trials: tuple[Trial, ...]) -> str:
    if trials:
        return ""
    return (
        "folders: nothing to test: add test/vis (the gallery) and test/nir or test/sketch (the "
        "probes, of the same people under the same names)."
    )


def _nothing(data: Path) -> str:
    return (
        f"folders: {data} has neither vis with nir or sketch (to train) nor test/vis with test/nir "
        f"or test/sketch (to test). There are: {_what_is_there(data)}. Rename them, link to them "
        "(ln -s), or write vis.csv and so on with a column `path`."
    )


def _what_is_there(folder: Path) -> str:
    """Folders with their number of images, CSV files, loose images."""
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    loose = sum(is_image(path) for path in entries)
    found = [
        f"{path.name}/ ({sum(map(is_image, walk(path)))} images)"
        for path in entries
        if path.is_dir()
    ]
    found += [path.name for path in entries if path.suffix.lower() == ".csv"]
    found += [f"{loose} images in no folder"] if loose else []
    rest = len(found) - 8
    return (", ".join(found[:8]) or "nothing") + (f" and {rest} more" if rest > 0 else "")
