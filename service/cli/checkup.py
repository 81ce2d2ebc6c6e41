"""What `null-face doctor` looks at: each check says how it is, and what to do about it."""

import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Engine, select

from faces.bundle import Bundle, load_bundle
from faces.encode import Encoder
from faces.errors import FaceError
from service.adapters import sql_backup, sql_vault
from service.adapters.sql_audit import newest_time
from service.adapters.sql_engine import open_engine, reading
from service.adapters.sql_keys import SqlKeys
from service.adapters.sql_tables import gallery, reembedding
from service.core.access import AccessMode, is_loopback
from service.settings import Settings
from service.wiring import open_vault, snapshot_folder

LITTLE, NEXT_TO_NOTHING = 2 * 2**30, 200 * 2**20
SKEW = timedelta(minutes=2)


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen."""

    check: str
    state: State
    detail: str


def ok(check: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding(check, State.OK, detail)


def warning(check: str, detail: str) -> Finding:
    """It serves, but look at this."""
    return Finding(check, State.WARNING, detail)


def failed(check: str, detail: str) -> Finding:
    """It does not serve like this."""
    return Finding(check, State.FAILED, detail)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in turn; one that breaks is a finding, too. Nothing is changed anywhere."""
    for name, check in _CHECKS.items():
        try:
            yield from check(settings)
        except (FaceError, OSError, ValueError, PackageNotFoundError) as error:
            yield failed(name, str(error))


def _python(settings: Settings) -> Iterator[Finding]:
    here = f"{platform.python_version()} on {platform.machine()}, null-face {_installed()}"
    yield ok("python", here)


def _packages(settings: Settings) -> Iterator[Finding]:
    """The CPU and the GPU build of one library overwrite each other's files."""
    for name, builds in _BUILDS.items():
        there = {build: found for build in builds if (found := _version(build))}
        listed = ", ".join(f"{build} {found}" for build, found in there.items())
        if not there:
            yield failed("packages", f"{name} is missing: pip install 'null-face[cpu]' (or [gpu]).")
        elif len(there) > 1:
            yield failed("packages", f"{listed} exclude each other: uninstall both, install one.")
        else:
            yield ok("packages", listed)


def _bundle(settings: Settings) -> Iterator[Finding]:
    bundle = load_bundle(settings.bundle)
    sums = f"{len(bundle.manifest.files)} files as their sha256 says"
    yield ok("model", f"{bundle.manifest.name} ({bundle.identity[:12]}) in {bundle.folder}, {sums}")
    yield _provider(settings, bundle)


def _provider(settings: Settings, bundle: Bundle) -> Finding:
    encoder = Encoder(bundle, threads=settings.threads, providers=settings.providers)
    used, first = encoder.provider, settings.providers[0] if settings.providers else ""
    if used == first:
        return ok("provider", f"{used}, the first choice")
    return (
        warning("provider", f"{used}, not {first}: {why_not(first)}")
        if _has_gpu()
        else ok("provider", f"{used}; no {first}: {why_not(first)}")
    )


def why_not(provider: str) -> str:
    """Why ONNX Runtime does not run on `provider`."""
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        build = "onnxruntime-gpu" if _version("onnxruntime-gpu") else "onnxruntime (the CPU build)"
        return f"{build} is installed, which has none; a GPU needs the extra gpu in place of cpu"
    if not _has_gpu():
        return "the build has it, but no NVIDIA driver is loaded (/proc/driver/nvidia)"
    return "the driver is there, but CUDA or cuDNN cannot be loaded: pip install 'null-face[gpu]'"


def _database(settings: Settings) -> Iterator[Finding]:
    engine = open_engine(settings.database_url, settings.patience)
    place = engine.url.render_as_string(hide_password=True)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if file is not None and not Path(file).exists():
        yield warning("database", f"{place} is not there yet; the service makes it.")
        return
    try:
        started = time.perf_counter()
        with reading(engine) as connection:
            here, newest = (
                sql_backup.revision_of(connection),
                sql_backup.newest_revision(connection),
            )
        took = f"{1000 * (time.perf_counter() - started):.0f} ms"
        if here is None:
            yield warning("database", f"{place} has no tables yet; the service makes them.")
            return
        if here != newest:
            yield warning("database", f"{place} is at revision {here}: null-face db upgrade.")
            return
        yield ok("database", f"{place}, revision {here}, answers in {took}")
        yield from _contents(settings, engine)
    finally:
        engine.dispose()


def _contents(settings: Settings, engine: Engine) -> Iterator[Finding]:
    yield _encryption(settings, engine)
    yield _access(settings, engine)
    yield _clock(engine)
    yield _models(settings, engine)


def _encryption(settings: Settings, engine: Engine) -> Finding:
    vault = open_vault(settings)
    with reading(engine) as connection:
        needed = sql_vault.known_keys(connection, vault)
    if settings.keep_crops and not vault.names:
        return failed("encryption", "NULL_FACE_KEEP_CROPS needs NULL_FACE_ENCRYPTION_KEY_FILE")
    if vault.names:
        return ok("encryption", f"templates are sealed with {vault.names[0]}")
    if needed:
        return failed("encryption", f"the key {needed[0]} is needed and not given")
    return warning("encryption", "templates lie unencrypted: NULL_FACE_ENCRYPTION_KEY_FILE")


def _access(settings: Settings, engine: Engine) -> Finding:
    now = datetime.now(UTC)
    working = sum(key.ended(now) is None for key in SqlKeys(engine).list())
    mode = settings.access
    if mode is AccessMode.OPEN:
        return warning("access", "open: whoever reaches the service may do everything")
    if mode is AccessMode.LOOPBACK and not is_loopback(settings.host):
        return failed("access", f"{settings.host} is no loopback address: serve --access keys")
    if mode is AccessMode.KEYS and not working:
        return warning("access", "keys: every caller needs one and there is none")
    return ok("access", f"{mode}, on {settings.host}:{settings.port}; {working} keys work")


def _clock(engine: Engine) -> Finding:
    """Keys expire and the audit tells times by this clock."""
    with reading(engine) as connection:
        newest = newest_time(connection)
    now = datetime.now(UTC)
    if newest is not None and newest > now + SKEW:
        return failed("clock", f"{now:%Y-%m-%d %H:%M}Z is before the newest audit entry ({newest})")
    return ok("clock", f"{now:%Y-%m-%d %H:%M:%S}Z, after every audit entry")


def _models(settings: Settings, engine: Engine) -> Finding:
    bundles = filter(None, (settings.bundle, settings.next_bundle))
    query = select(gallery.c.name).where(
        gallery.c.model_identity.not_in([load_bundle(folder).identity for folder in bundles]),
        gallery.c.id.not_in(select(reembedding.c.successor)),
    )
    with reading(engine) as connection:
        others = list(connection.execute(query.limit(5)).scalars())
    if others:
        return warning("galleries", f"of another model, and refused: {', '.join(others)}")
    return ok("galleries", "all are of a model that is served")


def _disk(settings: Settings) -> Iterator[Finding]:
    folders = {"snapshots": snapshot_folder(settings), "uploads": Path(tempfile.gettempdir())}
    engine = open_engine(settings.database_url)
    if engine.dialect.name == "sqlite":
        folders["database"] = Path(str(engine.url.database)).parent
    engine.dispose()
    for what, folder in sorted(folders.items()):
        free = shutil.disk_usage(_existing(folder)).free
        line = f"{free / 2**30:.1f} GiB free for {what} ({folder})"
        state = ok if free > LITTLE else warning if free > NEXT_TO_NOTHING else failed
        yield state("disk", line)


def _snapshots(settings: Settings) -> Iterator[Finding]:
    folder = snapshot_folder(settings)
    files = list(folder.glob("*.snapshot")) if folder.is_dir() else []
    size = sum(file.stat().st_size for file in files)
    if files and folder.stat().st_mode & 0o077:
        yield warning("snapshots", f"{folder} can be read by others than its owner: chmod 700")
    else:
        yield ok("snapshots", f"{len(files)} files, {size / 2**20:.1f} MiB")


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())


def _has_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _installed() -> str:
    return _version("null-face") or "from a checkout"


_BUILDS = {
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "faiss": ("faiss-cpu", "faiss-gpu-cu12"),
}
_CHECKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "python": _python,
    "packages": _packages,
    "model": _bundle,
    "database": _database,
    "disk": _disk,
    "snapshots": _snapshots,
}
