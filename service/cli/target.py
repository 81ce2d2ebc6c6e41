"""What the commands need of a service, be it a server or this very process."""

from collections.abc import Mapping
from typing import Protocol

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.answers import EnrollOut, IdentifyOut, VerifyOut
from service.api.gallery_answers import GalleryOut
from service.core.enroll import EnrollRequest
from service.core.identify import Search
from service.core.verify import Reference, Threshold


class Target(Protocol):
    """The use cases. Safe to share between threads.

    Raises:
        Refused, TryAgain, Unreachable: see `service.cli.errors`.
    """

    @property
    def place(self) -> str:
        """Where it is: an address, or a database."""

    def gallery(self, name: str) -> GalleryOut:
        """The gallery called `name`, made where it is missing."""

    def templates(self, gallery: str) -> Mapping[str, int]:
        """How many templates each subject of a gallery has."""

    def enroll(self, request: EnrollRequest) -> EnrollOut:
        """Enrol the one image of `request`; returns once it is committed."""

    def identify(self, data: bytes, search: Search) -> IdentifyOut:
        """See `service.core.identify`."""

    def verify(
        self,
        data: bytes,
        modality: Modality | None,
        policy: FacePolicy,
        reference: Reference,
        at: Threshold,
    ) -> VerifyOut:
        """See `service.core.verify`; the reference is an image."""

    def close(self) -> None:
        """Let everything go."""
