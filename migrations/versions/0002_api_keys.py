"""API keys and the digests of their secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(16), nullable=False, comment="public"),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("galleries", sa.JSON(), nullable=False, comment="null: every gallery"),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("key", name="uq_api_key_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_table(
        "api_secret",
        sa.Column(
            "prefix", sa.String(12), nullable=False, comment="the visible part of the token"
        ),
        sa.Column("key_id", Number, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the token"),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name="fk_api_secret_key_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prefix", name="pk_api_secret"),
    )
    op.create_index("ix_api_secret_key_id", "api_secret", ["key_id"])


def downgrade() -> None:
    op.drop_table("api_secret")
    op.drop_table("api_key")
