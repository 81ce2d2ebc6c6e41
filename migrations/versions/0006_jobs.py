"""Imports in the background, and what became of each of their files."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False, comment="public"),
        sa.Column("gallery_id", Number, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("actor_key", sa.String(16), comment="public id of an API key"),
        sa.Column("request_id", sa.String(64)),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("policy", sa.String(16), nullable=False),
        sa.Column("folder", sa.Text(), comment="null: an upload"),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("enrolled", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("version", Number, nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("stalls", sa.Integer(), nullable=False, comment="turns without any progress"),
        sa.Column("worker", sa.String(32), comment="token of whose turn it is"),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("key", sa.String(200), comment="Idempotency-Key"),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_job_gallery_id_gallery", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("job_id", name="uq_job_job_id"),
        sa.UniqueConstraint("key", name="uq_job_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_gallery_id", "job", ["gallery_id"])
    op.create_index("ix_job_state", "job", ["state"])
    op.create_table(
        "job_file",
        sa.Column("job", Number, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.String(200)),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("code", sa.String(32), comment="null: not yet"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "position", name="pk_job_file"),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="fk_job_file_job_job", ondelete="CASCADE"),
    )
    op.create_index("ix_job_file_subject_id", "job_file", ["subject_id"])


def downgrade() -> None:
    op.drop_table("job_file")
    op.drop_table("job")
