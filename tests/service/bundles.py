"""A tiny model bundle for tests: pooled pixels through a fixed random projection."""

from pathlib import Path

import numpy as np
import onnx
from drawn import PLACES
from onnx import TensorProto, helper, numpy_helper

from faces.bundle import (
    Bundle,
    CalibrationFields,
    CropFields,
    EncoderFields,
    Manifest,
    write_bundle,
)
from faces.modality import Modality

SIZE, POOL, DIMENSION = 128, 8, 256
EDGE = 1 / 8
"""Share of a frame's side that the crop leaves out, so that the frame itself is not in it."""


def make_bundle(
    folder: Path,
    *,
    name: str = "drawn",
    seed: int = 0,
    modalities: tuple[str, ...] = ("vis", "nir", "sketch"),
    calibrated: bool = True,
) -> Bundle:
    """Two bundles of one seed and name are the same model; of two seeds, they cannot be mixed."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_projection(seed), folder / "ec.onnx")
    template = tuple((_within(across), _within(down)) for across, down in PLACES)
    table = CalibrationFields(
        scores=[0.0, 0.3, 0.6, 0.9], fmr=[0.5, 0.05, 0.001, 0.00001], source="made up"
    )
    manifest = Manifest(
        name=name,
        created="2026-01-01T00:00:00Z",
        git_revision=f"seed-{seed}",
        dimension=DIMENSION,
        crop=CropFields(size=SIZE, colour="grey", template=template),
        encoders={Modality(one): EncoderFields(file="ec.onnx") for one in modalities},
        calibration={Modality(one): table for one in modalities} if calibrated else {},
        files={},
    )
    return write_bundle(folder, manifest)


def _within(share: float) -> float:
    return (share - EDGE) / (1 - 2 * EDGE) * SIZE - 0.5


def _projection(seed: int) -> onnx.ModelProto:
    """Means of 8x8 pixels, less their mean, times a fixed matrix: contrast does not matter."""
    blocks = (SIZE // POOL) ** 2
    matrix = np.random.default_rng(seed).standard_normal((blocks, DIMENSION)).astype(np.float32)
    nodes = [
        helper.make_node(
            "AveragePool", ["crop"], ["pooled"], kernel_shape=[POOL, POOL], strides=[POOL, POOL]
        ),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["flat", "mean"], ["centred"]),
        helper.make_node("MatMul", ["centred", "matrix"], ["content"]),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("content", TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="tests"
    )
