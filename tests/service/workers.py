"""Workers on one database without HTTP: real store and index; a vector is its own image."""

import tempfile
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from faces.locate import FacePolicy
from faces.modality import Modality
from faces.quality import Quality
from service.adapters.faiss_index import FaissIndex
from service.adapters.snapshots import Snapshots
from service.adapters.sql_engine import open_engine, upgrade
from service.adapters.sql_jobs import SqlJobs
from service.adapters.sql_reembeddings import SqlReembeddings
from service.adapters.sql_store import SqlStore
from service.adapters.upload_folder import UploadFolder
from service.core.enroll import EnrollRequest, enroll
from service.core.gallery import Encoded, Enrolment, FaceFound, Model
from service.core.identify import Identification, Search, identify
from service.core.jobs import ImportLimits, Imports
from service.core.metadata_filter import MetadataFilter
from service.core.ports import Parts

DIMENSION = 8
MODEL = Model("numbers", "0" * 64, DIMENSION)
FACE = FaceFound((0.0, 0.0, 10.0, 10.0), ((1.0, 1.0),) * 5, 1.0)
QUALITY = Quality(20.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def vector_of(number: int) -> NDArray[np.float32]:
    """A unit vector; numbers 10 apart are very near each other."""
    random = np.random.default_rng(number % 10)
    content = random.standard_normal(DIMENSION)
    content += 0.01 * np.random.default_rng(1000 + number).standard_normal(DIMENSION)
    return (content / np.linalg.norm(content)).astype(np.float32)


def encode(data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
    """Obeys `service.core.ports.Encode`."""
    return Encoded(vector_of(int(data.split()[0])), FACE, QUALITY, modality or Modality.NIR)


class Worker:
    """One process's worth of parts."""

    def __init__(self, database: str, snapshots: Path | None = None, page: int = 3) -> None:
        self.engine: Engine = open_engine(database)
        upgrade(self.engine)
        saved = snapshots and Snapshots(snapshots, MODEL, least=1, every=0)
        self.index = FaissIndex(DIMENSION, page, saved)
        erased = saved.discard if saved else lambda gallery: None
        self.store = SqlStore(self.engine, on_erasure=erased, keep=2)
        uploads = Path(tempfile.gettempdir()) / f"uploads-{uuid.uuid4().hex}"  # never made
        self.parts = Parts(
            encode=encode,
            store=self.store,
            imports=Imports(
                SqlJobs(self.engine), UploadFolder(uploads, ImportLimits(), max_image=10)
            ),
            reembeddings=SqlReembeddings(self.engine, on_erasure=erased),
            index=self.index,
            model=MODEL,
            modalities=(Modality.VIS, Modality.NIR),
            calibration=lambda modality: None,
        )

    def enroll(self, subject_id: str, *images: str, gallery: str = "default") -> Enrolment:
        """An image is a number and, after a space, anything that makes its bytes another's."""
        request = EnrollRequest(
            images=[lambda text=text: text.encode() for text in images],
            gallery=gallery,
            subject_id=subject_id,
            change={"metadata": {"id": subject_id}},
            modality=Modality.VIS,
            policy=FacePolicy.LARGEST,
        )
        return enroll(request, self.parts)

    def identify(
        self,
        number: int,
        top_k: int = 5,
        gallery: str = "default",
        wanted: MetadataFilter | None = None,
    ) -> Identification:
        search = Search(gallery, Modality.NIR, FacePolicy.LARGEST, top_k, wanted=wanted)
        return identify(str(number).encode(), search, self.parts)

    def close(self) -> None:
        self.engine.dispose()
