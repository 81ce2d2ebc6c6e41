"""The model bundle: a folder with `bundle.json` and ONNX files, verified when it is loaded."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from faces.align import Colour, CropSpec, Point
from faces.errors import BundleError
from faces.modality import Modality
from faces.similarity import Calibration

MANIFEST = "bundle.json"
FORMAT_VERSION: Literal[1] = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CropFields(_Strict):
    """Input of the encoder: what `faces.prepare` must make, and how its pixels are scaled."""

    size: Annotated[int, Field(ge=16, le=1024)]
    colour: Colour
    template: tuple[Point, Point, Point, Point, Point]
    mean: float = 0.0
    std: Annotated[float, Field(gt=0)] = 1.0


class EncoderFields(_Strict):
    """Which file encodes a modality; `domain` is the index a shared, multi-domain graph takes."""

    file: str
    domain: int | None = None


class CalibrationFields(_Strict):
    """Similarity -> FMR; see `faces.similarity.Calibration`."""

    scores: list[float]
    fmr: list[float]
    source: str = Field(description="Which non-mated comparisons it was fitted on.")

    @model_validator(mode="after")
    def _is_a_curve(self) -> "CalibrationFields":
        if len(self.scores) != len(self.fmr) or not self.scores:
            raise ValueError("scores and fmr must be of one length, at least 1")
        if np.any(np.diff(self.scores) < 0) or np.any(np.diff(self.fmr) > 0):
            raise ValueError("scores must ascend and fmr must not")
        return self


class MetricFields(_Strict):
    """One measured figure."""

    protocol: str
    metric: str
    value: float
    interval: tuple[float, float] | None = None
    n: int | None = None
    date: str


class Manifest(_Strict):
    """`bundle.json`."""

    format_version: Literal[1] = FORMAT_VERSION
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    created: str
    git_revision: str
    dimension: Annotated[int, Field(ge=2, le=4096)]
    crop: CropFields
    encoders: dict[Modality, EncoderFields]
    locator: str | None = Field(None, description="Network that finds faces.")
    landmarks: str | None = Field(None, description="Network that places their five points.")
    modality: str | None = Field(None, description="Network that guesses a probe's modality.")
    centres: dict[Modality, list[float]] = Field(
        default_factory=dict, description="Mean of c over TRAINING images, taken off before cosine."
    )
    calibration: dict[Modality, CalibrationFields] = Field(
        default_factory=dict, description="By the modality of the probe, against a VIS reference."
    )
    metrics: list[MetricFields] = Field(default_factory=list)
    training: dict[str, Any] = Field(default_factory=dict, description="Data, terms, config.")
    files: dict[str, str] = Field(description="sha256 of every other file of the bundle.")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle.

    `identity` is a sha256 of all that a vector depends on once a face is located: vectors of equal
    identity may be compared, and a new model card or calibration leaves it as it was.
    """

    folder: Path
    manifest: Manifest
    identity: str

    @property
    def crop_spec(self) -> CropSpec:
        """The crop this bundle's encoders take."""
        crop = self.manifest.crop
        return CropSpec(size=crop.size, template=crop.template, colour=crop.colour)

    def path(self, name: str) -> Path:
        """Path of one of the bundle's files."""
        return self.folder / name

    def centre(self, modality: Modality) -> NDArray[np.float32]:
        """(dimension,) float32 training mean of `modality`; zeros if the bundle stores none."""
        stored = self.manifest.centres.get(modality)
        if stored is None:
            return np.zeros(self.manifest.dimension, dtype=np.float32)
        return np.array(stored, dtype=np.float32)

    def calibration(self, probe: Modality) -> Calibration | None:
        """Score table for probes of a modality, or None where the bundle has none."""
        fields = self.manifest.calibration.get(probe)
        if fields is None:
            return None
        return Calibration(np.array(fields.scores), np.array(fields.fmr))


def load_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises:
        BundleError: naming the field or the file that is missing, malformed or altered.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: no bundle manifest can be read there.") from error
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise BundleError(f"{path}: {where}: {first['msg']}") from error
    _check_references(path, manifest)
    for name, expected in manifest.files.items():
        _check_file(folder, name, expected)
    return Bundle(folder, manifest, _identity(manifest))


def write_bundle(folder: Path, manifest: Manifest) -> Bundle:
    """Write `bundle.json` beside the files it names, filling in their sha256, and load it back."""
    files = sorted(_named_files(manifest) | set(manifest.files))
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    complete = manifest.model_copy(update={"files": sums})
    text = json.dumps(complete.model_dump(mode="json"), indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return load_bundle(folder)


def _named_files(manifest: Manifest) -> set[str]:
    optional = {manifest.locator, manifest.landmarks, manifest.modality} - {None}
    return {fields.file for fields in manifest.encoders.values()} | {str(n) for n in optional}


def _identity(manifest: Manifest) -> str:
    decisive = manifest.model_dump(
        mode="json", include={"dimension", "crop", "encoders", "centres", "files"}
    )
    encoders = {fields.file for fields in manifest.encoders.values()}
    decisive["files"] = {name: manifest.files[name] for name in encoders}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _check_references(path: Path, manifest: Manifest) -> None:
    for name in sorted(_named_files(manifest)):
        if name not in manifest.files:
            raise BundleError(f"{path}: files: no sha256 is listed for {name}.")
    if Modality.VIS not in manifest.encoders:
        raise BundleError(f"{path}: encoders: no file serves vis, the gallery's modality.")
    for modality, centre in manifest.centres.items():
        if len(centre) != manifest.dimension:
            raise BundleError(f"{path}: centres.{modality}: {manifest.dimension} numbers expected.")


def _check_file(folder: Path, name: str, expected: str) -> None:
    if Path(name).name != name:
        raise BundleError(f"{folder / MANIFEST}: files: {name!r} is not a plain file name.")
    try:
        actual = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(f"{folder / name}: listed in the bundle, but cannot be read.") from error
    if actual != expected:
        raise BundleError(f"{folder / name}: altered; its sha256 is not the one in {MANIFEST}.")
