"""The errors of the service, each with a stable code; they join those of `faces.errors`.

ServiceError
├── InvalidRequest        a value that no schema can check, such as a cursor we never gave out
├── UnknownGallery        no gallery of that name
├── UnknownSubject        no such subject in the gallery
├── UnknownTemplate       no such template in the gallery
├── UnknownJob            no such job, or it was forgotten
├── Duplicate             the very same image, or the very same name, is there already
├── ModelMismatch         the gallery was made with another model bundle
├── UnsupportedModality   the model bundle has no encoder for it
├── Uncalibrated          a rate was asked for, but the model's scores are not calibrated
├── IdempotencyConflict   an Idempotency-Key was used again for something else
├── NothingEnrolled       every image was refused; its code is that of the first
├── Unauthorised          no key where one is needed, or one that does not work
├── Forbidden             the key is not for this
├── KeyInUrl              a key where logs and histories would keep it
├── RateLimited           the key has used up its allowance for now
├── UnknownKey            no key of that name
├── DatabaseUrlError      the settings name a database that cannot be used
├── UnusableArchive       what was uploaded is no ZIP file that can be read
├── InvalidManifest       a manifest.csv with something wrong in it
├── ImportTooLarge        an import of more bytes or files than are allowed
├── FolderNotAllowed      the operator allows no such folder of the server
├── UnusableFile          one file of an import that is not there or cannot be read
├── TurnLost              the job was cancelled, or another worker has it now
├── ReembeddingRefused    a gallery cannot be re-embedded, or switched, as it is asked for
├── NotYet                a gallery cannot be switched to its new model at this moment
├── BackupRefused         a backup cannot be made or taken as it is asked for
├── VaultError            the encryption keys do not do, or what they sealed was changed
└── Busy                  too much work at once; try again soon
    ├── Replaced          the gallery was switched to another model at this very moment
    └── Unavailable       the database cannot be reached or written just now; try again later

Which HTTP status a code becomes is `service.api.problems`' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faces.errors import Box, FaceError, SeveralFaces


class ServiceError(FaceError):
    """Root of the service's own errors."""

    code = "service_error"


class InvalidRequest(ServiceError):
    """A value that cannot be used."""

    code = "invalid_request"


class UnknownGallery(ServiceError):
    """No gallery of that name."""

    code = "unknown_gallery"


class UnknownSubject(ServiceError):
    """No such subject in the gallery."""

    code = "unknown_subject"


class UnknownTemplate(ServiceError):
    """No such template in the gallery."""

    code = "unknown_template"


class UnknownJob(ServiceError):
    """No such job."""

    code = "unknown_job"


class UnusableArchive(ServiceError):
    """No ZIP file that can be read."""

    code = "unusable_archive"


class InvalidManifest(ServiceError):
    """Something is wrong in a manifest."""

    code = "invalid_manifest"


class ImportTooLarge(ServiceError):
    """More bytes or files than are allowed."""

    code = "import_too_large"


class FolderNotAllowed(ServiceError):
    """The operator allows no such folder of the server."""

    code = "folder_not_allowed"


class UnusableFile(ServiceError):
    """One file of an import is not there, or cannot be read."""

    code = "unusable_file"


class TurnLost(ServiceError):
    """The job was cancelled, or another worker has it now."""

    code = "turn_lost"


class Duplicate(ServiceError):
    """It is there already."""

    code = "duplicate"


class ModelMismatch(ServiceError):
    """The gallery was made with another model bundle than the one that serves."""

    code = "model_mismatch"


class UnsupportedModality(ServiceError):
    """The model bundle has no encoder for the modality."""

    code = "unsupported_modality"


class Uncalibrated(ServiceError):
    """A rate was asked for, but the model's scores are not calibrated for the modality."""

    code = "uncalibrated"


class IdempotencyConflict(ServiceError):
    """An Idempotency-Key was used again for another request."""

    code = "idempotency_conflict"


class Unauthorised(ServiceError):
    """No key where one is needed, or one that does not work."""

    code = "unauthorised"


class Forbidden(ServiceError):
    """The key is not for this."""

    code = "forbidden"


class KeyInUrl(ServiceError):
    """A key in a URL, where logs and histories keep it."""

    code = "key_in_url"


class RateLimited(ServiceError):
    """The key has used up its allowance; `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnknownKey(ServiceError):
    """No key of that name."""

    code = "unknown_key"


class DatabaseUrlError(ServiceError):
    """The settings name a database that cannot be used."""

    code = "internal_error"


class ReembeddingRefused(ServiceError):
    """A gallery cannot be re-embedded, or switched to another model, as it is asked for."""

    code = "reembedding_refused"


class NotYet(ServiceError):
    """A gallery cannot be switched now: so many templates are pending, so many imports run."""

    code = "reembedding_refused"

    def __init__(self, pending: int, imports: int) -> None:
        super().__init__(f"{pending:,} templates are pending, {imports:,} imports under way.")
        self.pending = pending
        self.imports = imports


class BackupRefused(ServiceError):
    """A backup cannot be made or taken as it is asked for."""

    code = "backup_refused"


class VaultError(ServiceError):
    """The encryption keys do not do for what is stored, or somebody changed what they sealed."""

    code = "internal_error"


class Busy(ServiceError):
    """Not now: too much work at once. What was asked for is not half done."""

    code = "busy"
    retry_after = 1


class Replaced(Busy):
    """The gallery was switched to another model meanwhile; the same request again meets that."""


class Unavailable(Busy):
    """The database cannot be reached or written just now."""

    retry_after = 5


@dataclass(frozen=True, slots=True)
class Rejection:
    """One image of a request that was not enrolled; `boxes` where it showed several faces."""

    index: int
    code: str
    detail: str
    boxes: tuple[Box, ...] = ()

    @classmethod
    def of(cls, index: int, error: FaceError) -> "Rejection":
        """What `error` says about the image at `index`."""
        boxes = tuple(error.boxes) if isinstance(error, SeveralFaces) else ()
        return cls(index, error.code, error.detail, boxes)


class NothingEnrolled(ServiceError):
    """Every image was refused."""

    code = "nothing_enrolled"

    def __init__(self, rejected: Sequence[Rejection]) -> None:
        super().__init__(rejected[0].detail)
        self.rejected = tuple(rejected)
