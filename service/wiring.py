"""Settings -> Parts: the only file that knows which adapter stands behind which port."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
from sqlalchemy import URL, Engine, make_url

from faces.bundle import Bundle, load_bundle
from faces.encode import Encoder
from faces.errors import BundleError
from faces.image import ImageLimits
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.onestage import OneStageLocator
from faces.yunet import YunetLocator
from service.adapters.crop_encoder import CropEncoder, model_of
from service.adapters.face_encoder import FaceEncoder
from service.adapters.faiss_index import FaissIndex
from service.adapters.rates import Rates
from service.adapters.snapshots import Snapshots, discard_snapshot
from service.adapters.sql_engine import open_engine, upgrade
from service.adapters.sql_jobs import SqlJobs
from service.adapters.sql_keys import SqlKeys
from service.adapters.sql_reembeddings import SqlReembeddings
from service.adapters.sql_store import SqlStore
from service.adapters.sql_vault import admit
from service.adapters.upload_folder import UploadFolder
from service.adapters.vault import Vault, read_keys
from service.core import galleries
from service.core.access import ANYONE, Access, AccessMode
from service.core.errors import ModelMismatch, VaultError
from service.core.gallery import DEFAULT_GALLERY, Model
from service.core.importer import Importer
from service.core.jobs import ImportLimits, Imports
from service.core.keys import Keys, authenticate
from service.core.ports import About, Parts, UploadLimits
from service.core.upkeep import Upkeep
from service.settings import Settings

log = logging.getLogger("null_face")


def wire(settings: Settings, locate: Locator | None = None) -> Parts:
    """Open the model and the database, bring its tables up to date, and try both.

    Args:
        locate: used instead of the locator that the settings ask for.

    Raises:
        BundleError: the model bundle cannot be used.
        VaultError: the encryption keys do not do for what the database holds.
    """
    cv2.setNumThreads(settings.threads)  # many images at once, one core each
    served = _open(settings, settings.bundle, locate)
    model = served.model
    engine = open_engine(settings.database_url, settings.patience)
    upgrade(engine)
    vault = open_vault(settings)
    if settings.keep_crops and not vault.names:
        raise VaultError(
            "NULL_FACE_KEEP_CROPS keeps images of faces, and only encrypted: set "
            "NULL_FACE_ENCRYPTION_KEY_FILE too."
        )
    admit(engine, vault)
    _announce(model, served.provider, settings, vault)
    snapshots = Snapshots(snapshot_folder(settings), model, vault)
    store = SqlStore(engine, vault, on_erasure=snapshots.discard)
    reembeddings = SqlReembeddings(engine, vault, on_erasure=snapshots.discard)
    index = FaissIndex(model.dimension, snapshots=snapshots)
    upkeeps = [Upkeep(store, index, model, coming=reembeddings.successors)]
    keys = SqlKeys(engine)
    _tell_who_needs_a_key(settings.access, keys)

    def check() -> None:
        store.galleries(after=0, limit=1)
        for upkeep in upkeeps:
            upkeep.check()

    parts = Parts(
        encode=served.encode,
        store=store,
        imports=_imports(settings, engine, vault),
        reembeddings=reembeddings,
        index=index,
        model=model,
        modalities=tuple(served.bundle.manifest.encoders),
        calibration=served.bundle.calibration,
        check=check,
        limits=UploadLimits(
            settings.max_image_bytes,
            settings.max_body_bytes,
            settings.max_images,
            settings.upload_seconds,
        ),
        about=About(served.provider, index="faiss", database=engine.dialect.name),
        access=Access(
            mode=settings.access,
            authenticate=partial(authenticate, keys),
            wait=Rates(settings.rate_limit),
            origins=settings.cors_origins,
            anyone=replace(ANYONE, searches_recorded=settings.audit_keyless_searches),
        ),
    )
    following = _open_following(settings, model, locate)
    if following is not None:
        snapshots = Snapshots(snapshot_folder(settings), following.model, vault)
        index = FaissIndex(following.model.dimension, snapshots=snapshots)
        upkeeps.append(Upkeep(store, index, following.model, coming=reembeddings.successors))
        parts = replace(parts, upcoming=following.instead_in(parts, index))
    _prepare_default(parts)
    importer = Importer(parts, threads=max(1, settings.parallel // 2))

    def start() -> None:
        for upkeep in upkeeps:
            upkeep.start()
        importer.start()

    def close() -> None:
        importer.close()
        for upkeep in upkeeps:
            upkeep.close()
        engine.dispose()

    return replace(parts, start=start, close=close)


@dataclass(frozen=True, slots=True)
class _Served:
    """A bundle that has been opened and tried."""

    bundle: Bundle
    encode: FaceEncoder
    provider: str

    @property
    def model(self) -> Model:
        return model_of(self.bundle)

    def instead_in(self, parts: Parts, index: FaissIndex) -> Parts:
        """The same parts on this bundle."""
        return replace(
            parts,
            encode=self.encode,
            index=index,
            model=self.model,
            modalities=tuple(self.bundle.manifest.encoders),
            calibration=self.bundle.calibration,
        )


def _open(settings: Settings, folder: Path, locate: Locator | None) -> _Served:
    bundle = load_bundle(folder)
    encoder = Encoder(bundle, threads=settings.threads, providers=settings.providers)
    encode = FaceEncoder(
        bundle,
        encoder,
        locate or locator_for(settings, bundle),
        limits=ImageLimits(settings.max_image_bytes, settings.max_image_pixels),
        parallel=settings.parallel,
        patience=settings.patience,
        keep_crops=settings.keep_crops,
    )
    encode.check()
    return _Served(bundle, encode, encoder.provider)


def _open_following(settings: Settings, model: Model, locate: Locator | None) -> _Served | None:
    """The bundle that is to follow; None without one, and once it is the one that serves."""
    if settings.next_bundle is None:
        return None
    served = _open(settings, settings.next_bundle, locate)
    if served.model.identity == model.identity:
        log.info("NULL_FACE_NEXT_BUNDLE is the model that serves")
        return None
    log.info("model %s (%s) is held ready to follow", served.model.name, served.model.identity[:12])
    return served


def crop_encoder(settings: Settings, folder: Path) -> CropEncoder:
    """What embeds kept crops anew with the bundle in `folder`; raises BundleError."""
    bundle = load_bundle(folder)
    encoder = Encoder(bundle, threads=settings.threads, providers=settings.providers)
    return CropEncoder(bundle, encoder)


def reembedding_tools(settings: Settings, engine: Engine) -> tuple[SqlStore, SqlReembeddings]:
    """The store and the re-embeddings of a process that serves nobody; raises VaultError."""
    vault = open_vault(settings)
    admit(engine, vault)
    folder = snapshot_folder(settings, engine.url)

    def discard(gallery: int) -> None:
        discard_snapshot(folder, gallery)

    return (
        SqlStore(engine, vault, on_erasure=discard),
        SqlReembeddings(engine, vault, on_erasure=discard),
    )


def snapshot_folder(settings: Settings, database: URL | None = None) -> Path:
    """Where snapshots lie; `database` where it is another one than that of the settings."""
    return settings.snapshots or _beside(database or make_url(settings.database_url), "index")


def _imports(settings: Settings, engine: Engine, vault: Vault) -> Imports:
    limits = ImportLimits(
        settings.max_import_bytes,
        settings.max_import_files,
        settings.import_seconds,
        timedelta(days=settings.import_days),
    )
    uploads = UploadFolder(
        settings.imports or _beside(engine.url, "imports"),
        limits,
        max_image=settings.max_image_bytes,
        root=settings.import_root,
        vault=vault,
    )
    return Imports(SqlJobs(engine), uploads, limits)


def _beside(database: URL, name: str) -> Path:
    """Where a folder lies unless the settings say otherwise."""
    sqlite = database.get_backend_name() == "sqlite"
    return (Path(str(database.database)).parent if sqlite else Path("data")) / name


def locator_for(settings: Settings, bundle: Bundle) -> Locator:
    """The locator that the settings ask for; raises BundleError."""
    if settings.yunet_model is not None:
        return YunetLocator(settings.yunet_model)
    network, landmarks = bundle.manifest.locator, bundle.manifest.landmarks
    if network is None or landmarks is None:
        raise BundleError(
            f"{bundle.folder}: locator: the bundle does not bring both networks; "
            "set NULL_FACE_YUNET_MODEL to use YuNet instead."
        )
    return OneStageLocator(bundle.path(network), LandmarkNetwork(bundle.path(landmarks)))


def open_vault(settings: Settings) -> Vault:
    """What seals templates with the keys of the settings; raises VaultError, OSError."""
    file, given = settings.encryption_key_file, settings.encryption_keys
    if file is not None and given is not None:
        raise VaultError(
            "Set NULL_FACE_ENCRYPTION_KEY_FILE or NULL_FACE_ENCRYPTION_KEYS, not both."
        )
    if file is not None:
        if file.stat().st_mode & 0o077:
            log.warning("%s can be read by others than its owner: chmod 600", file)
        return Vault(read_keys(file.read_text()))
    return Vault({} if given is None else read_keys(given.get_secret_value()))


def _announce(model: Model, provider: str, settings: Settings, vault: Vault) -> None:
    log.info(
        "model %s (%s) runs on %s; preferred: %s",
        model.name,
        model.identity[:12],
        provider,
        ", ".join(settings.providers),
    )
    if vault.names:
        log.info("templates are encrypted at rest with the key %s", vault.names[0])
    else:
        log.info("templates are stored unencrypted: no NULL_FACE_ENCRYPTION_KEY_FILE is set")


def _tell_who_needs_a_key(mode: AccessMode, keys: Keys) -> None:
    now = datetime.now(UTC)
    working = sum(key.ended(now) is None for key in keys.list())
    if mode is AccessMode.KEYS and not working:
        log.warning("every caller needs an API key, and there is none: null-face keys create")
    if mode is not AccessMode.KEYS and working:
        log.warning("%d API keys work, but NULL_FACE_ACCESS=%s asks nobody for one", working, mode)


def _prepare_default(parts: Parts) -> None:
    """Make the default gallery, so that a first look at the service shows it."""
    try:
        galleries.opened(parts, DEFAULT_GALLERY)
    except ModelMismatch as mismatch:
        log.warning("%s", mismatch.detail)
