"""Crops -> unit content vectors, through ONNX Runtime."""

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from faces.bundle import Bundle, EncoderFields
from faces.errors import BundleError
from faces.modality import Modality

PREFERRED_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


def open_session(
    path: os.PathLike[str], *, threads: int, providers: Sequence[str] = PREFERRED_PROVIDERS
) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the first of `providers` that this machine has.

    The CPU arena is off: it keeps the memory of the largest batch ever seen.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    chosen = [name for name in providers if name in available] or ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" in chosen:
        onnxruntime.preload_dlls()  # finds CUDA and cuDNN where the extra `gpu` put them
    try:
        return onnxruntime.InferenceSession(os.fspath(path), options, providers=chosen)
    except Exception as error:  # onnxruntime raises its own classes, none of them public
        raise BundleError(f"{path}: ONNX Runtime cannot load it: {error}") from error


class Encoder:
    """The content encoders Ec of one bundle.

    The graph's first input is (n, 1 or 3, size, size) float32; a graph shared by several domains
    takes a second, int64 scalar named `domain`. Its output is (n, dimension), the mean of q(c|x).
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int = 1,
        providers: Sequence[str] = PREFERRED_PROVIDERS,
    ) -> None:
        self._bundle = bundle
        fields = bundle.manifest.encoders
        self._sessions = {
            name: open_session(bundle.path(name), threads=threads, providers=providers)
            for name in {encoder.file for encoder in fields.values()}
        }

    @property
    def provider(self) -> str:
        """The ONNX Runtime provider in use, for the log and `/version`."""
        return str(next(iter(self._sessions.values())).get_providers()[0])

    def __call__(self, crops: NDArray[np.float32], modality: Modality) -> NDArray[np.float32]:
        """Encode crops of one modality.

        Args:
            crops: (n, size, size) for grey or (n, size, size, 3) for rgb, as `align` makes them.

        Returns:
            (n, dimension) float32 of unit length: the mean of c, averaged with that of the
            mirrored crop, less the centre of the modality.

        Raises:
            BundleError: the bundle has no encoder for `modality`.
        """
        fields = self._bundle.manifest.encoders.get(modality)
        if fields is None:
            raise BundleError(
                f"The bundle {self._bundle.manifest.name} does not encode {modality}."
            )
        both = np.concatenate([crops, np.flip(crops, axis=2)])
        content = self._run(fields, both)
        averaged = (content[: len(crops)] + content[len(crops) :]) / np.float32(2)
        return unit(averaged - self._bundle.centre(modality))

    def _run(self, fields: EncoderFields, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        session = self._sessions[fields.file]
        crop = self._bundle.manifest.crop
        planes = crops[:, None] if crop.colour == "grey" else np.moveaxis(crops, 3, 1)
        pixels = np.ascontiguousarray((planes - crop.mean) / crop.std, dtype=np.float32)
        feeds: dict[str, NDArray[np.generic]] = {session.get_inputs()[0].name: pixels}
        if fields.domain is not None:
            feeds["domain"] = np.array(fields.domain, dtype=np.int64)
        return np.asarray(session.run(None, feeds)[0], dtype=np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale (n, d) vectors to length 1; a zero vector stays zero and matches nothing."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)
