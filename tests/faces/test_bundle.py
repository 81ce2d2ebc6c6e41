"""A bundle that is not what it says it is is refused, with the name of what is wrong."""

import json

import pytest

from faces.bundle import EncoderFields, Manifest, load_bundle, write_bundle
from faces.errors import BundleError
from faces.modality import Modality

TEMPLATE = [[45.5, 56.3], [81.5, 56.3], [63.5, 77.7], [47.6, 93.3], [79.4, 93.3]]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ec.onnx").write_bytes(b"not really a network")
    manifest = Manifest(
        name="small",
        created="2026-01-01T00:00:00+00:00",
        git_revision="abc",
        dimension=4,
        crop={"size": 128, "colour": "grey", "template": TEMPLATE},
        encoders={m: EncoderFields(file="ec.onnx", domain=i) for i, m in enumerate(Modality)},
        centres={Modality.VIS: [1, 2, 3, 4]},
        calibration={"sketch": {"scores": [0.1, 0.2], "fmr": [0.5, 0.1], "source": "made up"}},
        files={},
    )
    write_bundle(tmp_path, manifest)
    return tmp_path


def edit(folder, change):
    path = folder / "bundle.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_what_was_written_is_read_back(folder):
    bundle = load_bundle(folder)
    assert bundle.manifest.name == "small"
    assert bundle.crop_spec.template[2] == (63.5, 77.7)
    assert bundle.centre(Modality.VIS).tolist() == [1, 2, 3, 4]
    assert bundle.centre(Modality.NIR).tolist() == [0, 0, 0, 0]
    assert bundle.calibration(Modality.NIR) is None
    assert bundle.calibration(Modality.SKETCH).fmr_of(0.15) == 0.5


def test_a_new_model_card_leaves_the_identity(folder):
    before = load_bundle(folder).identity
    edit(folder, lambda d: d.update(training={"terms": "research"}, calibration={}))
    assert load_bundle(folder).identity == before


def test_other_vectors_are_another_identity(folder):
    before = load_bundle(folder).identity
    edit(folder, lambda d: d["centres"].update(vis=[1, 2, 3, 5]))
    assert load_bundle(folder).identity != before


def test_an_altered_file_is_named(folder):
    (folder / "ec.onnx").write_bytes(b"something else")
    with pytest.raises(BundleError, match=r"ec\.onnx: altered"):
        load_bundle(folder)


def test_a_missing_file_is_named(folder):
    (folder / "ec.onnx").unlink()
    with pytest.raises(BundleError, match=r"ec\.onnx: listed in the bundle, but cannot be read"):
        load_bundle(folder)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"bundle\.json"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format_version=2), "format_version"),
        (lambda d: d.update(surprise=1), "surprise"),
        (lambda d: d.pop("crop"), "crop"),
        (lambda d: d["files"].pop("ec.onnx"), "no sha256 is listed for ec.onnx"),
        (lambda d: d["encoders"].pop("vis"), "no file serves vis"),
        (lambda d: d["centres"].update(vis=[1.0]), "centres.vis: 4 numbers"),
        (lambda d: d["calibration"]["sketch"].update(scores=[0.2, 0.1]), "scores must ascend"),
        (lambda d: d["files"].update({"../x": "0"}), "not a plain file name"),
    ],
)
def test_a_malformed_manifest_is_refused_by_field(folder, change, message):
    edit(folder, change)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_text_that_is_no_json_is_refused(folder):
    (folder / "bundle.json").write_text("{")
    with pytest.raises(BundleError, match="Invalid JSON"):
        load_bundle(folder)
