"""Kept crops, and galleries that are being re-embedded for another model."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "crop",
        sa.Column("template", Number, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False, comment="see faces.prepare.kind_of"),
        sa.Column("pixels", sa.LargeBinary(), nullable=False, comment="uint8, sealed"),
        sa.ForeignKeyConstraint(
            ["template"], ["template.id"], name="fk_crop_template", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template", name="pk_crop"),
    )
    op.create_table(
        "reembedding",
        sa.Column("gallery_id", Number, autoincrement=False, nullable=False),
        sa.Column("successor", Number, nullable=False),
        sa.Column("crop_kind", sa.String(64), nullable=False, comment="what the new model takes"),
        sa.Column("modalities", sa.JSON(), nullable=False, comment="what the new model encodes"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_reembedding_gallery_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["successor"], ["gallery.id"], name="fk_reembedding_successor", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("gallery_id", name="pk_reembedding"),
        sa.UniqueConstraint("successor", name="uq_reembedding_successor"),
    )
    op.create_table(
        "reembedded",
        sa.Column("template", Number, autoincrement=False, nullable=False),
        sa.Column("gallery_id", Number, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False, comment="as template.vector"),
        sa.ForeignKeyConstraint(
            ["template"], ["template.id"], name="fk_reembedded_template", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["gallery.id"], name="fk_reembedded_gallery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template", name="pk_reembedded"),
    )
    op.create_index("ix_reembedded_gallery_id", "reembedded", ["gallery_id"])


def downgrade() -> None:
    """Re-embeddings under way are broken off; kept crops are erased."""
    op.execute("DELETE FROM gallery WHERE id IN (SELECT successor FROM reembedding)")
    for table in ("reembedded", "reembedding", "crop"):
        op.drop_table(table)
