"""`null-face evaluate` on every protocol, drawn people from end to end, folds and their mean."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from faces.errors import BundleError
from faces.modality import Modality
from training.evaluation import commands, scoring
from training.evaluation.cli import app
from training.evaluation.comparisons import Searches
from training.evaluation.fold_bundles import is_pattern, load_folded, refuse_trained
from training.evaluation.protocols import Fold, Sample, Trial, casia_nir_vis
from training.evaluation.run import evaluate
from training.evaluation.server import Served
from training.evaluation.systems import Folded, on_crops

DEFAULT = Path(__file__).parents[3] / "models" / "default"


def means(crops, modality):
    """Grey means of 5 x 4 blocks: what makes a person in the drawn set."""
    return crops[:, 2::6, 4::8].reshape(len(crops), -1) - 0.5


def blind(crops, modality):
    return np.ones((len(crops), 3), dtype=np.float32)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Intervals from 20 draws of people: whether they are there matters here, not their ends."""
    monkeypatch.setattr(scoring, "DRAWS", 20)


@pytest.fixture
def casia(tmp_path, write_photo):
    """Nine people with a photo and two NIR frames; four of them are tested in each fold."""
    people = [f"{n:05d}" for n in range(9)]
    for n, person in enumerate(people):
        write_photo(tmp_path / f"set/s1/VIS/{person}/001.bmp", n)
        for frame in (1, 2):
            write_photo(tmp_path / f"set/s1/NIR/{person}/00{frame}.bmp", n, grey=True)
    lists = tmp_path / "set/protocols"
    lists.mkdir()
    for fold in range(1, 11):
        test = [people[(fold + n) % 9] for n in range(4)]
        train = [person for person in people if person not in test]
        for name, shown in (("vis_gallery", test), ("vis_train", train)):
            text = "\n".join(f"s1\\VIS\\{person}\\001.jpg" for person in shown)
            (lists / f"{name}_{fold}.txt").write_text(text)
        for name, shown in (("nir_probe", test), ("nir_train", train)):
            lines = [f"s1\\NIR\\{person}\\00{frame}.jpg" for person in shown for frame in (1, 2)]
            (lists / f"{name}_{fold}.txt").write_text("\n".join(lines))
    return tmp_path / "set"


def module(name):
    """The module, of which the package shows the function of the same name."""
    return importlib.import_module(f"training.evaluation.protocols.{name}")


@pytest.fixture
def oulu(tmp_path, write_photo, monkeypatch):
    """Five people with a frame of each expression; draws of two and two."""
    for name, value in (("PEOPLE", 2), ("FRAMES", 1), ("DRAWS", 2)):
        monkeypatch.setattr(module("oulu_casia"), name, value)
    for person in range(1, 6):
        for expression in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"):
            for camera in ("NI", "VL"):
                path = tmp_path / f"set/{camera}/Strong/P{person:03d}/{expression}/000.jpeg"
                write_photo(path, person, grey=camera == "NI")
    return tmp_path / "set"


@pytest.fixture
def feret(tmp_path, write_photo, monkeypatch):
    """Nine people, photos of two and sketches of two to train on."""
    monkeypatch.setattr(module("cufsf"), "TRAIN_EACH", 2)
    monkeypatch.setattr(module("cufsf"), "DRAWS", 2)
    for person in range(1, 10):
        write_photo(tmp_path / f"set/photo/{person:05d}fa010_930831.png", person)
        write_photo(tmp_path / f"set/original_sketch/{person:05d}.jpg", person, grey=True)
    return tmp_path / "set"


@pytest.fixture
def mine(tmp_path, write_photo):
    for modality in ("vis", "nir", "sketch"):
        for n, person in enumerate(("ada", "ben", "cyd", "dee")):
            write_photo(tmp_path / f"set/test/{modality}/{person}.png", n, grey=modality != "vis")
    return tmp_path / "set"


@pytest.fixture
def run(recipe, tmp_path, monkeypatch):
    """The command on a set, floors only; the results it writes, by trial."""
    monkeypatch.setattr(commands, "project_recipe", lambda yunet: recipe)
    monkeypatch.setattr(commands, "_dlib", lambda console: [])
    monkeypatch.chdir(tmp_path)

    def run(protocol, data):
        arguments = ["--protocol", protocol, "--data", str(data), "--out", "out", "--no-bundle"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        document = json.loads((tmp_path / "out" / protocol / "results.json").read_text())
        assert (tmp_path / "out" / protocol / "report.html").exists()
        rows = [row for row in document["results"] if row["system"] == "pixels"]
        return result.output, {row["trial"]: row for row in rows}

    return run


def rank_1(row):
    (figure,) = [figure for figure in row["figures"] if figure["name"] == "rank-1"]
    return figure


def test_ten_folds_of_casia_are_measured_and_averaged(run, casia):
    output, rows = run("casia-nir-vis-2.0", casia)
    folds = [rows[f"casia-nir-vis-2.0 fold {k}"] for k in range(1, 11)]
    mean = rows["casia-nir-vis-2.0"]
    assert [row["probes"] for row in folds] == [8] * 10
    assert mean["folds"] == 10
    assert mean["people"] == 9
    assert rank_1(mean)["value"] == pytest.approx(np.mean([rank_1(row)["value"] for row in folds]))
    assert rank_1(mean)["interval"] is not None
    assert "mean of 10 folds" in output
    assert "fold 3" not in output


def test_draws_of_oulu_are_averaged(run, oulu):
    _, rows = run("oulu-casia-nir-vis", oulu)
    assert rows["oulu-casia-nir-vis"]["folds"] == 2
    assert rows["oulu-casia-nir-vis draw 2"]["probes"] == 12
    assert rows["oulu-casia-nir-vis draw 2"]["references"] == 12


def test_draws_of_cufsf_are_averaged_and_what_differs_from_the_published_is_told(run, feret):
    output, rows = run("cufsf", feret)
    assert rows["cufsf"]["folds"] == 2
    assert rows["cufsf draw 1"]["people"] == 5
    assert "note: photo and sketch: 9 people, published with 1194" in output


def test_probes_of_two_modalities_of_ones_own_are_two_tables(run, mine):
    _, rows = run("folders", mine)
    assert set(rows) == {"folders nir", "folders sketch"}
    assert all(row["probes"] == 4 for row in rows.values())


def test_folds_of_a_service_are_averaged_too(run, casia, monkeypatch, tmp_path):
    """A service that finds everybody but in fold 2, where it finds nobody."""

    def served(trial, client, *, console):
        subjects = sorted(trial.subjects)
        count = len(trial.probes)
        lost = trial.name.endswith("fold 2")
        searches = Searches(
            subject=np.searchsorted(subjects, [sample.subject for sample in trial.probes]),
            rank=np.full(count, 2 if lost else 1),
            mated=np.full(count, 0.5),
            nonmated=np.full(count, 0.6 if lost else 0.4),
            acquired=np.full(count, True),
            weight=np.ones(count),
        )
        return Served("stub", searches, (), 1.0, 1.0)

    monkeypatch.setattr(commands, "run_trial", served)
    arguments = ["--protocol", "casia-nir-vis-2.0", "--data", str(casia), "--out", "out"]
    result = CliRunner().invoke(app, [*arguments, "--server", "http://127.0.0.1:9"])
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out/casia-nir-vis-2.0/served.json").read_text())
    rows = {row["trial"]: rank_1(row)["value"] for row in document["results"]}
    assert rows["casia-nir-vis-2.0"] == pytest.approx(0.9)
    assert rows["casia-nir-vis-2.0 fold 2"] == 0
    assert len(rows) == 11


# A model a fold


@pytest.fixture
def measure(casia, recipe, tmp_path):
    folds = casia_nir_vis(casia)
    trials = [trial for fold in folds for trial in fold.trials]

    def measure(*rows):
        cache = tmp_path / "cache"
        return evaluate("casia-nir-vis-2.0", trials, rows, recipe, cache=cache)

    return trials, measure


def test_each_fold_is_measured_with_its_own_model(measure):
    trials, measure = measure
    models = {trial.name: on_crops("model", means) for trial in trials}
    models[trials[4].name] = on_crops("model", blind)
    done = measure(Folded("ours", models), on_crops("sees", means))
    ours = {r.trial: r.figure("rank-1").value for r in done.results if r.system == "ours"}
    assert ours.pop("casia-nir-vis-2.0 fold 5") == 0
    assert ours.pop("casia-nir-vis-2.0") == pytest.approx(0.9)
    assert set(ours.values()) == {1}
    (difference,) = done.differences
    assert (difference.trial, difference.ours, difference.theirs) == (
        "casia-nir-vis-2.0",
        "ours",
        "sees",
    )
    assert difference.value == pytest.approx(-0.1)


def test_no_fold_is_measured_with_images_of_another(measure):
    trials, measure = measure
    seen = {}

    def model(trial):
        def spy(crops, modality):
            seen[trial.name] = seen.get(trial.name, 0) + len(crops)
            return means(crops, modality)

        return on_crops("model", spy)

    measure(Folded("ours", {trial.name: model(trial) for trial in trials}))
    assert set(seen.values()) == {4 + 8}


def test_the_bundles_of_all_folds_are_one_row_that_is_named_after_them(tmp_path):
    for name in ("1", "2"):
        (tmp_path / f"casia-{name}").symlink_to(DEFAULT)
    pattern = tmp_path / "casia-{fold}"
    assert is_pattern(pattern)
    row, first = load_folded(pattern, "casia-nir-vis-2.0", [fold("1"), fold("2")])
    assert (row.name, set(row.by_trial)) == ("casia", {"fold 1", "fold 2"})
    assert first.folder == tmp_path / "casia-1"
    with pytest.raises(BundleError, match="casia-3"):
        load_folded(pattern, "casia-nir-vis-2.0", [fold("1"), fold("3")])


def fold(name):
    sample = Sample(f"casia/{name}", Modality.VIS, name)
    return Fold(name, (Trial(f"fold {name}", (sample,), (sample,)),))


class Trained:
    """As much of a bundle as says what it was trained on."""

    folder = "models/mine"

    def __init__(self, protocol, fold):
        source = {"path": ".", "modality": "nir", "protocol": protocol, "fold": fold}
        plain = {"path": "lfw", "modality": "vis", "protocol": None, "fold": "1"}
        self.manifest = self
        self.training = {"config": {"data": {"sources": [plain, source]}}}


def test_a_bundle_trained_on_one_fold_is_not_measured_on_another():
    bundle = Trained("casia-nir-vis-2.0", "1")
    refuse_trained(bundle, "casia-nir-vis-2.0", [fold("1")])
    with pytest.raises(BundleError, match=r"trained on fold 1 of .* tested in fold 2") as error:
        refuse_trained(bundle, "casia-nir-vis-2.0", [fold("1"), fold("2")])
    assert "--bundle 'models/NAME-{fold}'" in str(error.value)


def test_a_bundle_trained_on_view_1_is_not_measured_on_view_2():
    bundle = Trained("casia-nir-vis-2.0-view-1", "dev")
    refuse_trained(bundle, "casia-nir-vis-2.0-view-1", [fold("dev")])
    with pytest.raises(BundleError, match=r"trained on fold dev of casia-nir-vis-2.0-view-1"):
        refuse_trained(bundle, "casia-nir-vis-2.0", [fold("1")])


def test_a_bundle_trained_on_other_data_is_measured_on_every_fold():
    refuse_trained(Trained("cufs", "1"), "casia-nir-vis-2.0", [fold("1"), fold("2")])
