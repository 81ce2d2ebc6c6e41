"""What an operator can set, all through environment variables NULL_FACE_... or a .env file."""

import os
from pathlib import Path
from typing import Annotated, Literal

from limits import parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.core.access import AccessMode


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Read once, when the service starts; below `service.wiring` nobody knows it."""

    model_config = SettingsConfigDict(
        env_prefix="NULL_FACE_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        frozen=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port to listen on.")
    access: AccessMode = Field(
        AccessMode.LOOPBACK,
        description="Who needs an API key: `loopback`: nobody on this machine, and no other "
        "machine is served; `keys`: everybody; `open`: nobody.",
    )
    rate_limit: str = Field(
        "3000/minute", description="Requests of one API key, counted in each process."
    )
    audit_keyless_searches: bool = Field(
        False, description="Record searches made without a key and without a purpose, too."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins of web pages of others that may call, as a JSON list."
    )
    key: SecretStr | None = Field(
        None, description="The API key that `enroll`, `import`, `identify` and `verify` send."
    )
    database_url: str = Field(
        "sqlite:///data/gallery.db", description="SQLAlchemy URL; a SQLite file's folder is made."
    )
    encryption_key_file: Path | None = Field(
        None,
        description="File of the keys that templates are encrypted with, a line NAME:BASE64 each; "
        "the first one encrypts, all decrypt.",
    )
    encryption_keys: SecretStr | None = Field(
        None, description="Instead of the file: its content; spaces do for line ends."
    )
    snapshots: Path | None = Field(
        None,
        description="Folder of index snapshots, for one database; default: `index` beside a "
        "SQLite file, else `data/index`.",
    )
    bundle: Path = Field(Path("models/default"), description="Folder of the model bundle.")
    next_bundle: Path | None = Field(
        None,
        description="Folder of the bundle to follow: galleries that are switched to it are served "
        "with it at once.",
    )
    keep_crops: bool = Field(
        False,
        description="Keep the aligned face of every enrolment, encrypted, so that another model "
        "can be served without new images.",
    )
    yunet_model: Path | None = Field(
        None, description="YuNet face detector (ONNX) to use in place of the built-in locator."
    )
    threads: Annotated[int, Field(ge=0)] = Field(
        1, description="ONNX Runtime threads for one image; 0 lets ONNX Runtime choose."
    )
    parallel: Annotated[int, Field(ge=1)] = Field(
        default_factory=_cores, description="Images decoded and encoded at once; default: cores."
    )
    patience: Annotated[float, Field(gt=0)] = Field(
        10.0,
        description="Seconds a request waits for a core or for the database before it is `busy`.",
    )
    providers: tuple[str, ...] = Field(
        ("CUDAExecutionProvider", "CPUExecutionProvider"),
        description="ONNX Runtime providers in order of preference, as a JSON list.",
    )
    max_image_bytes: Annotated[int, Field(ge=1)] = Field(
        20 * 2**20, description="Largest image file, in bytes."
    )
    max_image_pixels: Annotated[int, Field(ge=1)] = Field(
        40_000_000, description="Largest image, in pixels."
    )
    max_images: Annotated[int, Field(ge=1)] = Field(20, description="Images in one enrolment.")
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        64 * 2**20, description="Largest request, in bytes."
    )
    upload_seconds: Annotated[float, Field(gt=0)] = Field(
        120.0, description="Seconds that a request may take to arrive as a whole."
    )
    imports: Path | None = Field(
        None,
        description="Folder of uploads that are being imported; default: `imports` beside a SQLite "
        "file, else `data/imports`.",
    )
    import_root: Path | None = Field(
        None, description="Folder of this machine from which manifests may import; default: none."
    )
    max_import_bytes: Annotated[int, Field(ge=1)] = Field(
        2 * 2**30, description="Largest upload to import, in bytes; also as unpacked."
    )
    max_import_files: Annotated[int, Field(ge=1)] = Field(
        100_000, description="Files in one import."
    )
    import_seconds: Annotated[float, Field(gt=0)] = Field(
        3600.0, description="Seconds that an upload to import may take to arrive."
    )
    import_days: Annotated[int, Field(ge=1)] = Field(
        30, description="Days after which an import that has ended is forgotten."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        parse(text)
        return text


def hand_down(**changes: object) -> Settings:
    """The settings with `changes`, which the processes started from here will read as well.

    A change of None leaves a setting alone.
    """
    for name, value in changes.items():
        if value is not None:
            os.environ[f"NULL_FACE_{name.upper()}"] = str(value)
    return Settings()
