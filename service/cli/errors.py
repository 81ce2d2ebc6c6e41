"""How a command fails, in one line.

CommandError          ends the command
├── Unreachable       no server answers
├── Refused           the service refuses this request, for a reason with a code
└── TryAgain          the service is busy; the same request may do later
"""

PHOTO_CODES = frozenset(
    {
        "no_face",
        "several_faces",
        "low_quality",
        "unsupported_image",
        "image_too_large",
        "duplicate",
        "internal_error",
    }
)
"""Refusals that concern one photo; the next one may still be fine."""


class CommandError(Exception):
    """Ends a command; `str()` of it is the line that is shown."""


class Unreachable(CommandError):
    """No server answers."""


class Refused(CommandError):
    """The service refuses a request."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.detail = detail


class TryAgain(CommandError):
    """The service cannot do it now; `after` is in seconds."""

    def __init__(self, detail: str, after: float) -> None:
        super().__init__(detail)
        self.after = after
