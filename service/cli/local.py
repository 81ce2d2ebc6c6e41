"""The use cases in this very process, on the database and the model of the settings."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import make_url

from faces.errors import FaceError
from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.answers import EnrollOut, IdentifyOut, VerifyOut
from service.api.gallery_answers import GalleryOut
from service.cli.errors import Refused, TryAgain
from service.cli.operator import operator
from service.core import galleries
from service.core.duplicates import resemblances
from service.core.enroll import EnrollRequest, enroll
from service.core.errors import Busy, NothingEnrolled, UnknownGallery
from service.core.identify import Search, identify
from service.core.verify import Reference, Threshold, verify
from service.settings import Settings
from service.wiring import wire

PAGE = 1000


class LocalTarget:
    """Obeys `service.cli.target.Target`."""

    def __init__(self, settings: Settings) -> None:
        self.place = make_url(settings.database_url).render_as_string(hide_password=True)
        parts = wire(settings)
        self._parts = replace(parts, store=parts.store.acting_for(operator()))

    def close(self) -> None:
        """Let everything go."""
        self._parts.close()

    def gallery(self, name: str) -> GalleryOut:
        """See `Target`."""
        store = self._parts.store
        with _in_one_line():
            try:
                return GalleryOut.of(galleries.describe(store, name))
            except UnknownGallery:
                return GalleryOut.of(galleries.create(store, name, self._parts.model))

    def templates(self, gallery: str) -> Mapping[str, int]:
        """See `Target`."""
        found: dict[str, int] = {}
        after: int | None = 0
        with _in_one_line():
            while after is not None:
                page = galleries.list_subjects(self._parts.store, gallery, after, PAGE)
                found |= {subject.subject_id: subject.template_count for subject in page.items}
                after = page.after
        return found

    def enroll(self, request: EnrollRequest) -> EnrollOut:
        """See `Target`."""
        with _in_one_line():
            done = enroll(request, self._parts)
            [resemblance] = resemblances([done.alike], done.gallery, self._parts.store)
            return EnrollOut.of(done, resemblance)

    def identify(self, data: bytes, search: Search) -> IdentifyOut:
        """See `Target`."""
        with _in_one_line():
            return IdentifyOut.of(identify(data, search, self._parts))

    def verify(
        self,
        data: bytes,
        modality: Modality | None,
        policy: FacePolicy,
        reference: Reference,
        at: Threshold,
    ) -> VerifyOut:
        """See `Target`."""
        with _in_one_line():
            return VerifyOut.of(verify(data, modality, policy, reference, at, self._parts))


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except NothingEnrolled as error:
        raise Refused(error.rejected[0].code, error.detail) from error
    except Busy as error:
        raise TryAgain(error.detail, error.retry_after) from error
    except FaceError as error:
        raise Refused(error.code, error.detail) from error
