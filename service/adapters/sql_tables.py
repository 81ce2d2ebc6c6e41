"""The tables, portable between SQLite and PostgreSQL. Alembic compares itself with `metadata`."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Number = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key; SQLite counts up only in a column declared INTEGER, which has 64 bits there."""


class Utc(TypeDecorator[datetime]):
    """A moment; SQLite forgets the time zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# AUTOINCREMENT: without it SQLite gives the id of a deleted last row to the next one, and an index
# would take a new gallery or template for the old.
gallery = Table(
    "gallery",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("model_name", String(64), nullable=False),
    Column("model_identity", String(64), nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("head", Number, nullable=False, comment="seq of the newest change"),
    Column("erased", Number, nullable=False, server_default="0", comment="newest removal's seq"),
    Column("floor", Number, nullable=False, server_default="0", comment="compacted up to here"),
    Column("removals", Number, nullable=False, server_default="0", comment="not yet compacted"),
    Column("quality", JSON, nullable=False, server_default="[]", comment="see core.quality"),
    Column("fusion", String(8), nullable=False, server_default="best"),
    Column(
        "duplicates",
        JSON,
        nullable=False,
        server_default='{"target_fpir": 0.05}',
        comment="see core.gallery_settings; {}: not looked for",
    ),
    Column("retention_days", Integer, comment="null: for ever"),
    Column("created_at", Utc, nullable=False),
    sqlite_autoincrement=True,
)

subject = Table(
    "subject",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
    Column("subject_id", String(200), nullable=False, comment="the caller's"),
    Column("name", String(200)),
    Column("metadata", JSON, nullable=False, key="meta"),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    UniqueConstraint("gallery_id", "subject_id"),
    Index(None, "gallery_id", "id"),
    Index(None, "gallery_id", "created_at"),
    sqlite_autoincrement=True,
)

template = Table(
    "template",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("template_id", String(32), nullable=False, unique=True, comment="public"),
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
    Column("subject", ForeignKey("subject.id", ondelete="CASCADE"), nullable=False),
    Column("vector", LargeBinary, nullable=False, comment="float32, little-endian, unit length"),
    Column("modality", String(16), nullable=False),
    Column("image_sha256", String(64), nullable=False),
    Column("face", JSON, nullable=False),
    Column("quality", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("subject", "image_sha256"),
    Index(None, "gallery_id", "id"),
    Index(None, "gallery_id", "created_at"),
    sqlite_autoincrement=True,
)

# `template` has no foreign key: the entry that says that a template is gone outlives it.
change = Table(
    "change",
    metadata,
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("template", Number, nullable=False),
    Column("added", Boolean, nullable=False),
    Column("token", Number, nullable=False, server_default="0", comment="drawn at random"),
)

# An image of the face: sealed, or not kept at all.
crop = Table(
    "crop",
    metadata,
    Column("template", ForeignKey("template.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(64), nullable=False, comment="see faces.prepare.kind_of"),
    Column("pixels", LargeBinary, nullable=False, comment="uint8, sealed"),
)

# A gallery that is being re-embedded, and the one to take its place, which no list shows.
reembedding = Table(
    "reembedding",
    metadata,
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True),
    Column("successor", ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("crop_kind", String(64), nullable=False, comment="what the new model takes"),
    Column("modalities", JSON, nullable=False, comment="what the new model encodes"),
    Column("started_at", Utc, nullable=False),
)

# New vectors until the switch, sealed as the successor's.
reembedded = Table(
    "reembedded",
    metadata,
    Column("template", ForeignKey("template.id", ondelete="CASCADE"), primary_key=True),
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False, comment="as template.vector"),
)

# What was answered names the subject and shows their face's place: it is erased with the subject.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("subject", ForeignKey("subject.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("answer", Text, nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
)

job = Table(
    "job",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("job_id", String(32), nullable=False, unique=True, comment="public"),
    Column("gallery_id", ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("actor", String(64), nullable=False),
    Column("actor_key", String(16), comment="public id of an API key"),
    Column("request_id", String(64)),
    Column("modality", String(16), nullable=False),
    Column("policy", String(16), nullable=False),
    Column("folder", Text, comment="null: an upload"),
    Column("files", Integer, nullable=False),
    Column("enrolled", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("version", Number, nullable=False),
    Column("code", String(32)),
    Column("detail", Text, nullable=False),
    Column("stalls", Integer, nullable=False, comment="turns without any progress"),
    Column("worker", String(32), comment="token of whose turn it is"),
    Column("lease_until", Utc),
    Column("key", String(200), unique=True, comment="Idempotency-Key"),
    Column("fingerprint", String(64)),
    Column("created_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    sqlite_autoincrement=True,
)

# It names people: what concerns a subject is blanked when the subject is erased.
job_file = Table(
    "job_file",
    metadata,
    Column("job", ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("place", Text, nullable=False),
    Column("subject_id", String(200), index=True),
    Column("change", JSON, nullable=False),
    Column("code", String(32), comment="null: not yet"),
    Column("detail", Text, nullable=False),
    Column("duplicates", JSON, nullable=False, server_default="[]", comment="other subjects"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", String(16), nullable=False, unique=True, comment="public"),
    Column("name", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("galleries", JSON, nullable=False, comment="null: every gallery"),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
)

api_secret = Table(
    "api_secret",
    metadata,
    Column("prefix", String(12), primary_key=True, comment="the visible part of the token"),
    Column("key_id", ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the token"),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
)

encryption_key = Table(
    "encryption_key",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("proof", LargeBinary, nullable=False, comment="known words, sealed with the key"),
    Column("created_at", Utc, nullable=False),
)

# No foreign key: an entry outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("key", String(16), comment="public id of an API key"),
    Column("action", String(32), nullable=False),
    Column("gallery", String(64)),
    Column("subject", Number, comment="id of its row, which may be gone"),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False, comment="hash of the entry before"),
    Column("hash", String(64), nullable=False),
    Index(None, "subject"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="there is one row"),
    Column("seq", Number, nullable=False),
    Column("hash", String(64), nullable=False),
)
