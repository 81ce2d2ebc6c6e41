"""A gallery on its way from one bundle to another: the real parts of a service, without HTTP.

How a test drives one re-embedding:

* step by step: `Move(...)`, enrol, then `begin`, `embed`, `switch`;
* all at once, beside services that keep crops: `reembed_gallery(settings, new_bundle)`, in a forked
  process that can be killed at any point (kill -9) and begun again, until it returns;
* as an operator does, in a process of its own: `command(database, new_bundle, "default")`.

Of two bundles of one crop kind (`make_bundle` with two seeds), galleries can go to and fro.
"""

import base64
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from drawn import locate, photo, png
from numpy.typing import NDArray
from serving import ROOT, settings_for
from sqlalchemy import Engine, select

from faces.bundle import Bundle
from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters import sql_log
from service.adapters.sql_engine import open_engine, reading
from service.adapters.sql_tables import subject, template
from service.core import galleries, reembed
from service.core.enroll import EnrollRequest, enroll
from service.core.gallery import Enrolment, Gallery
from service.core.identify import Identification, Search, identify
from service.core.reembedding import Reembedding
from service.settings import Settings
from service.wiring import crop_encoder, open_vault, reembedding_tools, wire

KEY = f"first:{base64.b64encode(bytes(range(32))).decode()}"


def moving(database: str, old: Bundle, new: Bundle | None, **more: object) -> Settings:
    """The settings of a service that keeps crops and holds both bundles."""
    both = {"next_bundle": new.folder} if new else {}
    defaults: dict[str, object] = {"keep_crops": True, "encryption_keys": KEY, "parallel": 2}
    return settings_for(database, old.folder, **(defaults | both | more))


class Move:
    """A service's parts, and the tools that re-embed beside it."""

    def __init__(self, settings: Settings, new: Bundle) -> None:
        self.settings = settings
        self.parts = wire(settings, locate)
        self.engine: Engine = open_engine(settings.database_url)
        self.store, self.work = reembedding_tools(settings, self.engine)
        self.encode = crop_encoder(settings, new.folder)
        self.encoded: list[int] = []

    def close(self) -> None:
        self.parts.close()
        self.engine.dispose()

    def enroll(self, *people: int, subject_id: str | None = None, **change: object) -> Enrolment:
        """Photos of drawn people, for one subject; the first one's by default."""
        request = EnrollRequest(
            images=[lambda person=person: png(photo(person)) for person in people],
            gallery="default",
            subject_id=subject_id or f"person-{people[0]}",
            change=change,
            modality=Modality.VIS,
            policy=FacePolicy.LARGEST,
        )
        return enroll(request, self.parts)

    def identify(self, person: int, top_k: int = 5) -> Identification:
        search = Search("default", Modality.NIR, FacePolicy.LARGEST, top_k)
        return identify(png(photo(person, style="nir")), search, self.parts)

    def found(self, person: int) -> str | None:
        """Whom a search of a person finds, where anybody is like them at all."""
        best = [one for one in self.identify(person, top_k=1).candidates if one.score > 0.9]
        return best[0].subject_id if best else None

    def gallery(self) -> Gallery:
        return galleries.find(self.store, "default")

    def begin(self) -> Reembedding:
        one = reembed.begin(self.store, self.work, "default", self.encode.target)
        assert one is not None
        return one

    def embed(self, one: Reembedding, batch: int = 2) -> None:
        reembed.embed(self.work, one, self._noting, batch=batch)

    def switch(self, one: Reembedding, *, leave_out: bool = False) -> None:
        def wait(imports: int) -> None:
            raise TimeoutError(f"{imports} imports")

        reembed.switch(self.work, one, self._noting, wait, leave_out=leave_out)

    def move(self) -> None:
        one = self.begin()
        self.embed(one)
        self.switch(one)

    def vectors(self) -> dict[str, NDArray[np.float32]]:
        """Subject -> (n, d) as the database has them."""
        vault = open_vault(self.settings)
        query = select(subject.c.subject_id.label("owner"), *sql_log.SEALED)
        query = query.join(subject, subject.c.id == template.c.subject).order_by(template.c.id)
        found: dict[str, list[NDArray[np.float32]]] = {}
        with reading(self.engine) as connection:
            for row in connection.execute(query):
                found.setdefault(row.owner, []).append(sql_log.vector(row, vault))
        return {name: np.array(rows) for name, rows in found.items()}

    def fresh(self, *people: int) -> NDArray[np.float32]:
        """(n, d) of photos, as the new bundle encodes them when they are enrolled."""
        upcoming = self.parts.upcoming
        assert upcoming is not None
        images = (png(photo(person)) for person in people)
        return np.array(
            [upcoming.encode(image, Modality.VIS, FacePolicy.LARGEST).vector for image in images]
        )

    def _noting(self, crops: Sequence[bytes], modality: Modality) -> NDArray[np.float32]:
        self.encoded.append(len(crops))
        return self.encode(crops, modality)


def reembed_gallery(settings: Settings, new: Path, name: str = "default") -> None:
    """What `null-face reembed run` does; nothing where the gallery is of that model already."""
    engine = open_engine(settings.database_url)
    try:
        store, work = reembedding_tools(settings, engine)
        encode = crop_encoder(settings, new)
        one = reembed.begin(store, work, name, encode.target)
        if one is not None:
            reembed.embed(work, one, encode)
            reembed.switch(work, one, encode, lambda imports: time.sleep(0.1))
    finally:
        engine.dispose()


def command(database: str, bundle: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """`null-face reembed run ...` as a process: what to start it with, and its environment."""
    given = {"DATABASE_URL": database, "NEXT_BUNDLE": str(bundle), "ENCRYPTION_KEYS": KEY}
    environment = {f"NULL_FACE_{name}": value for name, value in given.items()}
    paths = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "service.cli", "reembed", "run", *words]
    return line, os.environ | environment | paths
