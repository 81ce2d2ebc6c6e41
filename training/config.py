"""One run is one TOML file: parsed, checked and frozen here; written as JSON beside the weights."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faces.modality import Modality
from training.evaluation.protocols import ProtocolName, Unpaired
from training.frontend import FrontEnd
from training.losses import GanMode

Share = Literal["all", "high", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """A folder of images of one modality.

    With `protocol`, the folder is that of a data set, of which the train pool of fold `fold` is
    taken (`training.evaluation.protocols`); without, every image in it.

    `half` takes the images of one half of the people only, halved by a hash of the person, or of
    the file name where a folder says nothing of people: with photos of half `a` and sketches of
    half `b` no pair exists even by accident. `names` says whether the folder an image lies in is
    its person's name (VIS only, a switch of its own: labels within one modality are not pairs).

    Sources of different modalities with the same word in `same_people` show the same people in no
    known order (shuffled runs only).
    """

    path: str
    modality: Modality
    protocol: ProtocolName | None = None
    fold: str = Field("1", description="Of the protocol: its number, or `published` or `dev`.")
    half: Literal["a", "b"] | None = None
    names: bool = False
    least: int = Field(1, description="Only people with so many images or more.")
    hold_out: bool = Field(False, description="Leave out the people kept for LFW verification.")
    same_people: str = Field("", description="Which other sources show the same people, unpaired.")


class Data(_Strict):
    """What is trained on; paths are relative to `root`."""

    root: Path = Path("../shared/data")
    sources: tuple[Source, ...]
    unpaired: Unpaired = Field(
        "halves",
        description="halves: a run with a known person in two modalities is refused. shuffled: the "
        "paper's, pairs may exist and are never drawn as such.",
    )
    renderings: Annotated[int, Field(ge=0)] = Field(4, description="Kept per photo and modality.")
    people: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Share of the people that is drawn from, by a hash of the person."
    )

    @model_validator(mode="after")
    def _has_a_hub(self) -> "Data":
        if Modality.VIS not in {source.modality for source in self.sources}:
            raise ValueError("vis is the hub of the domains; name at least one source of it")
        return self

    @model_validator(mode="after")
    def _takes_one_fold(self) -> "Data":
        folds = {(source.protocol, source.fold) for source in self.sources if source.protocol}
        if len(folds) > len({protocol for protocol, _ in folds}):
            raise ValueError(
                "all sources of one protocol need the same fold: another fold trains on people "
                "whom this one tests"
            )
        return self

    def of_fold(self, fold: str) -> "Data":
        """The same sources, those of a protocol from another fold."""
        return self.model_copy(
            update={
                "sources": tuple(
                    source.model_copy(update={"fold": fold}) if source.protocol else source
                    for source in self.sources
                )
            }
        )


class Networks(_Strict):
    """Sizes and sharing; width 0.5 is what two cores can train."""

    width: Annotated[float, Field(gt=0)] = 0.5
    image_size: Literal[32, 64, 128] = 64
    share: Share = "all"
    front_end: FrontEnd | None = None
    spectral_norm: bool = False


class Start(_Strict):
    """A closed-form start of the head of Ec (training/start.py); beyond the paper."""

    discriminants: bool = False
    batches: Annotated[int, Field(ge=1)] = Field(
        300, description="How many batches of views it looks at: a 4,096-d covariance wants many."
    )
    pseudo_pair_rounds: Annotated[int, Field(ge=0)] = Field(
        0, description="Searches for mutual nearest neighbours among sources of the same people."
    )


class Weights(_Strict):
    """lambda of every term; a term of weight 0 is not computed. Start values of DESIGN section 3.

    `contrast` and below are beyond the paper.
    """

    x: float = 10.0
    c: float = 1.0
    s: float = 1.0
    kl: float = 0.01
    gan: float = 1.0
    contrast: float = 0.0
    own_contrast: float = 0.0


class Loss(_Strict):
    """How the terms are computed."""

    weights: Weights = Weights()
    gan_mode: GanMode = "log"
    kl_warmup_images: int = 20_000
    free_bits: float = 0.0
    null_every: Annotated[int, Field(ge=1)] = Field(
        1, description="Compute the NULL terms every so many steps; contrast is at every step."
    )
    temperature: Annotated[float, Field(gt=0)] = 0.07
    same_person: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="How often the positive renders another photo of the person, if named."
    )


class Optimiser(_Strict):
    """Adam for both sides; the rate is constant, then falls to zero along a half cosine."""

    learning_rate: float = 1e-3
    critic_rate: float = 2e-4
    warm_up_steps: Annotated[int, Field(ge=1)] = Field(
        100, description="The rate rises to its start over so many steps."
    )
    weight_decay: float = 1e-4
    anneal_from: Annotated[float, Field(ge=0, le=1)] = 0.3
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999


class Compute(_Strict):
    """How a run is computed, each with its reason; a checkpoint may go on under another."""

    accumulate: Annotated[int, Field(ge=1)] = Field(
        1, description="Compute a batch in so many parts where memory is short; norms see a part."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16 autocast pays on a GPU; on a CPU without it, it is slower."
    )
    deterministic: bool = Field(
        False, description="Refuse kernels that differ from run to run (some on a GPU); slower."
    )


class Config(_Strict):
    """A run."""

    name: str
    seed: int = 0
    images: Annotated[int, Field(ge=0)] = Field(description="Length of the run, in images seen.")
    batch: Annotated[int, Field(ge=2)] = Field(32, description="Real images a domain, NULL terms.")
    contrast_batch: Annotated[int, Field(ge=2)] = 128
    minutes_between_checkpoints: float = 2.0
    data: Data
    networks: Networks = Networks()
    start: Start = Start()
    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _start_has_energies(self) -> "Config":
        ready = self.networks.front_end and self.networks.share == "all"
        if self.start.discriminants and not ready:
            raise ValueError("start.discriminants needs a front end and one shared Ec")
        if self.start.pseudo_pair_rounds and not self.start.discriminants:
            raise ValueError("start.pseudo_pair_rounds needs start.discriminants")
        if self.start.pseudo_pair_rounds and self.data.unpaired != "shuffled":
            raise ValueError('start.pseudo_pair_rounds needs data.unpaired = "shuffled"')
        return self

    @property
    def domains(self) -> tuple[Modality, ...]:
        """The domains of the run, VIS first."""
        present = {source.modality for source in self.data.sources}
        if self.loss.weights.contrast:
            present |= {Modality.VIS, Modality.NIR, Modality.SKETCH}
        return tuple(modality for modality in Modality if modality in present)


def read_config(path: Path) -> Config:
    """Parse a TOML file; pydantic's error names the field that is wrong."""
    with path.open("rb") as file:
        return Config.model_validate(tomllib.load(file))
