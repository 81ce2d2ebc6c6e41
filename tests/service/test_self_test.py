"""A model that cannot be right never serves: no request is the first to find out."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import onnx
import pytest
from bundles import DIMENSION, SIZE
from onnx import TensorProto, helper
from running import NULL_FACE, ROOT, SHIPPED, free_port
from serving import settings_for

from faces.bundle import EncoderFields, load_bundle, write_bundle
from faces.errors import BundleError
from faces.modality import Modality
from service.wiring import wire

BROKEN = {
    "not a number": [helper.make_node("Log", ["minus"], ["of_each"])],
    "the same of everybody": [helper.make_node("Mul", ["nought", "minus"], ["of_each"])],
    "other each time": [helper.make_node("RandomNormalLike", ["nought"], ["of_each"])],
}
"""From `minus`, -1 for each crop, and `nought`, 0 for each, to a number for each."""


def broken_bundle(folder: Path, what: str) -> Path:
    """The shipped locator with an encoder that is broken; its digests are in order."""
    folder.mkdir()
    shipped = load_bundle(SHIPPED).manifest
    for name in (shipped.locator, shipped.landmarks):
        assert name is not None
        shutil.copy(SHIPPED / name, folder / name)
    onnx.save(_network(what), folder / "ec.onnx")
    encoders = {Modality.VIS: EncoderFields(file="ec.onnx")}
    changes = {"encoders": encoders, "calibration": {}, "files": {}}
    write_bundle(folder, shipped.model_copy(update=changes))
    return folder


def _network(what: str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Flatten", ["crop"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["mean", "mean"], ["nought"]),
        helper.make_node("Sub", ["nought", "one"], ["minus"]),
        *BROKEN[what],
        helper.make_node("Expand", ["of_each", "shape"], ["content"]),
    ]
    graph = helper.make_graph(
        nodes,
        "broken",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("content", TensorProto.FLOAT, ["n", DIMENSION])],
        [
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
            helper.make_tensor("shape", TensorProto.INT64, [2], [1, DIMENSION]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("what", BROKEN)
def test_a_model_that_cannot_be_right_is_refused_by_name(tmp_path: Path, what: str) -> None:
    bundle = broken_bundle(tmp_path / "broken", what)
    settings = settings_for(f"sqlite:///{tmp_path / 'gallery.db'}", bundle)

    with pytest.raises(BundleError, match=f"{bundle}: the vis encoder fails its self-test"):
        wire(settings)


def test_a_process_whose_self_test_fails_is_never_ready_and_ends_in_one_line(
    tmp_path: Path,
) -> None:
    bundle = broken_bundle(tmp_path / "broken", "the same of everybody")
    with free_port() as port:
        url = f"http://127.0.0.1:{port}/readyz"
    settings = {"BUNDLE": str(bundle), "DATABASE_URL": f"sqlite:///{tmp_path / 'gallery.db'}"}
    process = subprocess.Popen(
        [*NULL_FACE, "serve", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {f"NULL_FACE_{name}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )

    answers = []
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            answers.append(httpx.get(url, timeout=5).status_code)
        time.sleep(0.1)
    assert process.stderr is not None
    told = process.stderr.read()

    assert (process.returncode, answers) == (1, [])
    assert len(told.splitlines()) == 1, told
    assert f"{bundle}: the vis encoder fails its self-test" in told
