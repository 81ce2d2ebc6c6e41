"""Options that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

from faces.modality import Modality
from service.cli.target import Target
from service.settings import Settings

Server = Annotated[
    str, typer.Option(help="Address of the service.", envvar="NULL_FACE_SERVER", metavar="URL")
]
Local = Annotated[
    bool,
    typer.Option("--local", help="Use no server: open the settings' model and database here."),
]
Gallery = Annotated[str, typer.Option(help="Name of the gallery.")]

DEFAULT_SERVER = "http://127.0.0.1:8000"


class Kind(StrEnum):
    """A modality, or the wish that it be guessed."""

    AUTO = "auto"
    VIS = "vis"
    NIR = "nir"
    SKETCH = "sketch"

    @property
    def modality(self) -> Modality | None:
        """None means: guess it."""
        return None if self is Kind.AUTO else Modality(self.value)


def target(server: str, *, local: bool, connections: int = 1) -> Target:
    """Where the commands go."""
    settings = Settings()
    if local:
        from service.cli.local import LocalTarget  # opens a model: only where it is needed

        return LocalTarget(settings)
    from service.cli.remote import RemoteTarget

    key = settings.key.get_secret_value() if settings.key else None
    return RemoteTarget(server, connections, key)
