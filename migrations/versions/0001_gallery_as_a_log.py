"""Galleries, subjects, templates, the change log, remembered answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "gallery",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("model_identity", sa.String(64), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("head", Number, nullable=False, comment="seq of the newest change"),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gallery"),
        sa.UniqueConstraint("name", name="uq_gallery_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subject",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("gallery_id", Number, nullable=False),
        sa.Column("subject_id", sa.String(200), nullable=False, comment="the caller's"),
        sa.Column("name", sa.String(200)),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_subject_gallery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subject"),
        sa.UniqueConstraint("gallery_id", "subject_id", name="uq_subject_gallery_id_subject_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subject_gallery_id_id", "subject", ["gallery_id", "id"])
    op.create_table(
        "template",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("template_id", sa.String(32), nullable=False, comment="public"),
        sa.Column("gallery_id", Number, nullable=False),
        sa.Column("subject", Number, nullable=False),
        sa.Column(
            "vector",
            sa.LargeBinary(),
            nullable=False,
            comment="float32, little-endian, unit length",
        ),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("face", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_template_gallery_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subject"], ["subject.id"], name="fk_template_subject", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_template"),
        sa.UniqueConstraint("template_id", name="uq_template_template_id"),
        sa.UniqueConstraint("subject", "image_sha256", name="uq_template_subject_image_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_template_gallery_id", "template", ["gallery_id"])
    op.create_table(
        "change",
        sa.Column("gallery_id", Number, nullable=False),
        sa.Column("seq", Number, autoincrement=False, nullable=False),
        sa.Column("template", Number, nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_change_gallery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("gallery_id", "seq", name="pk_change"),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("subject", Number, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject"], ["subject.id"], name="fk_idempotency_subject", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_subject", "idempotency", ["subject"])
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_table("change")
    op.drop_table("template")
    op.drop_table("subject")
    op.drop_table("gallery")
