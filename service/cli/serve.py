"""null-face serve."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from service.cli.errors import CommandError
from service.cli.output import err
from service.core.access import AccessMode, is_loopback
from service.settings import Settings, hand_down


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the model bundle.")] = None,
    database: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL of the database.", metavar="URL")
    ] = None,
    access: Annotated[
        AccessMode | None,
        typer.Option(help="Who needs an API key: nobody on this machine, everybody, or nobody."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on the one database.")] = 1,
) -> None:
    """Start the service. Every option has a setting NULL_FACE_... that it overrides."""
    settings = hand_down(host=host, port=port, bundle=bundle, database_url=database, access=access)
    _keep_the_door(settings)
    import uvicorn  # here, like the rest of the service: other commands need none of it

    from service import logs
    from service.app import create_app
    from service.metrics import FOLDER
    from service.wiring import wire

    logs.configure(settings.log_level)
    parts = wire(settings)  # fails here, in one line, rather than in every worker
    address = _address(settings)
    err.print(f"null-face serves on {address} (the API: {address}/docs). Ctrl-C stops it.")
    if workers == 1:
        uvicorn.run(create_app(parts), host=settings.host, port=settings.port, log_config=None)
        return
    parts.close()
    with TemporaryDirectory(prefix="null-face-metrics-") as folder:
        os.environ[FOLDER] = folder  # read by each worker when it imports prometheus_client
        uvicorn.run(
            "service.app:create_app",
            factory=True,
            workers=workers,
            host=settings.host,
            port=settings.port,
            log_config=None,
        )


def _keep_the_door(settings: Settings) -> None:
    """Raises CommandError where other machines would find a service that asks nobody for a key."""
    if settings.access is AccessMode.LOOPBACK and not is_loopback(settings.host):
        raise CommandError(
            f"Other machines can reach {settings.host}, but nobody is asked for a key. Make a key "
            "(null-face keys create NAME --scope read) and serve with --access keys, or, behind a "
            "proxy that asks for credentials itself, with --access open."
        )
    if settings.access is AccessMode.OPEN:
        err.print("Nobody is asked for a key: whoever reaches this service may do everything.")


def _address(settings: Settings) -> str:
    """What to type into a browser on this machine."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - read, not bound
    host = everywhere.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"
