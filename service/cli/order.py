"""What `enroll` is asked to do, and doing it."""

import hashlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.answers import EnrollOut
from service.cli.bulk import Outcome, Send, enroll_all
from service.cli.journal import Journal, journal_path
from service.cli.photos import Photo
from service.cli.target import Target
from service.core.enroll import EnrollRequest


@dataclass(frozen=True, slots=True)
class Order:
    """Into which gallery, and how."""

    gallery: str
    modality: Modality
    policy: FacePolicy
    at_once: int

    def journal(self, to: Target, folder: Path) -> Journal:
        """What is known of an earlier try at this order; makes the gallery if it is missing."""
        made = to.gallery(self.gallery)
        about = {
            "gallery_created": made.created_at.isoformat(),
            "model": made.model_identity,
            "modality": self.modality,
            "face_policy": self.policy,
        }
        journal = Journal(journal_path(to.place, self.gallery, folder), about)
        if len(journal):
            journal.trust(to.templates(self.gallery))
        return journal

    def carry_out(
        self, photos: Sequence[Photo], to: Target, journal: Journal, stop: threading.Event
    ) -> Iterator[Outcome]:
        """Enrol each photo that the journal does not know; every outcome, known or new.

        Raises:
            CommandError: see `enroll_all`.
        """
        todo = []
        for photo in photos:
            earlier = journal.recall(photo)
            if earlier is None:
                todo.append(photo)
            else:
                yield earlier
        for outcome in enroll_all(todo, self._sender(to), at_once=self.at_once, stop=stop):
            journal.note(outcome)
            yield outcome

    def _sender(self, to: Target) -> Send:
        """Enrols one photo.

        Its Idempotency-Key stands for this run, this file and its content: a request repeated
        because its answer was lost is not carried out twice. It changes from run to run, since a
        key's answer is remembered for a day and would hide what happened to the photo meanwhile;
        between runs the service knows an image again by its content.
        """
        run = uuid.uuid4().hex

        def send(photo: Photo) -> str:
            data = photo.path.read_bytes()
            content = hashlib.sha256(data).hexdigest()
            key = hashlib.sha256("\n".join((run, photo.place, content)).encode(errors="replace"))
            request = EnrollRequest(
                images=[lambda: data],
                gallery=self.gallery,
                subject_id=photo.subject_id,
                change={},
                modality=self.modality,
                policy=self.policy,
                key=key.hexdigest(),
            )
            return _warning(to.enroll(request))

        return send


def _warning(answer: EnrollOut) -> str:
    """Who else it may be, best first; only how many, where a key may not search."""
    alike = [f"{one.subject_id} ({one.score:.3f})" for one in answer.possible_duplicates]
    if alike:
        return f"also looks like {', '.join(alike)}"
    return " ".join(warning.detail for warning in answer.warnings)
