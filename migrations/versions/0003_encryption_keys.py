"""Which encryption keys the database was written with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "encryption_key",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column(
            "proof", sa.LargeBinary(), nullable=False, comment="known words, sealed with the key"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_encryption_key"),
    )


def downgrade() -> None:
    op.drop_table("encryption_key")
