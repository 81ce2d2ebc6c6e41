"""Whether a worker's answers are those of a search of everything by hand."""

from collections.abc import Sequence
from functools import cache

import httpx
import numpy as np
from desk import Desk
from drawn import locate
from ledger import Ledger
from numpy.typing import NDArray
from operations import picture

from faces.bundle import Bundle
from faces.encode import Encoder
from faces.image import ImageLimits
from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters.face_encoder import FaceEncoder

TOP_K = 200
ROUNDING = 1e-5
"""Of float32 sums of 256 products; two people's photos are further apart."""


class BruteForce:
    """Encodes as the workers do, and compares everything with everything."""

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._encode = {made.manifest.name: _encoder(made) for made in bundles}
        self.vector = cache(self._vector)

    def vectors(self, number: int) -> list[NDArray[np.float32]]:
        """Of every model."""
        return [self.vector(number, model) for model in self._encode]

    def check(self, url: str, ledger: Ledger, probes: Sequence[int], client: httpx.Client) -> None:
        """The worker lists exactly who is there, and ranks them for each probe as it should."""
        desk = Desk(client, "default")
        desk.client.base_url = httpx.URL(url)
        ledger.settle(_listed(desk))
        held = ledger.held()
        for number in probes:
            answer = desk.identify(picture(number), modality="vis", top_k=TOP_K)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert found["searched"] == len(held), (found["searched"], len(held))
            expected = self._ranked(number, held, found["model"])[:TOP_K]
            scores = {one["subject_id"]: one["score"] for one in found["candidates"]}
            assert scores.keys() == {name for name, _ in expected}
            apart = [abs(scores[name] - score) for name, score in expected]
            assert max(apart, default=0.0) < ROUNDING, apart

    def _ranked(
        self, number: int, held: list[tuple[str, int]], model: str
    ) -> list[tuple[str, float]]:
        best: dict[str, float] = {}
        for name, other in held:
            score = float(self.vector(other, model) @ self.vector(number, model))
            best[name] = max(score, best.get(name, -1.0))
        return sorted(best.items(), key=lambda pair: -pair[1])

    def _vector(self, number: int, model: str) -> NDArray[np.float32]:
        return self._encode[model](picture(number), Modality.VIS, FacePolicy.LARGEST).vector


def _encoder(bundle: Bundle) -> FaceEncoder:
    encoder = Encoder(bundle, threads=1, providers=["CPUExecutionProvider"])
    return FaceEncoder(bundle, encoder, locate, limits=ImageLimits(), parallel=1, patience=60)


def _listed(desk: Desk) -> dict[str, int]:
    """Subject -> number of templates, page by page."""
    found: dict[str, int] = {}
    cursor: dict[str, str] = {}
    while True:
        page = desk.client.get(desk.at("subjects"), params={"limit": 1000, **cursor})
        assert page.status_code == 200, page.text
        found |= {one["subject_id"]: one["template_count"] for one in page.json()["subjects"]}
        if page.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": page.json()["next_cursor"]}
