"""What compaction of the log and snapshots of the index go by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COMMENTS = {
    "erased": "newest removal's seq",
    "floor": "compacted up to here",
    "removals": "not yet compacted",
}


def upgrade() -> None:
    for name, comment in COMMENTS.items():
        column = sa.Column(name, Number, nullable=False, server_default="0", comment=comment)
        op.add_column("gallery", column)
    token = sa.Column(
        "token", Number, nullable=False, server_default="0", comment="drawn at random"
    )
    op.add_column("change", token)
    for name, counted in (("removals", "count(*)"), ("erased", "coalesce(max(seq), 0)")):
        op.execute(
            f"UPDATE gallery SET {name} = (SELECT {counted} FROM change "
            "WHERE change.gallery_id = gallery.id AND NOT change.added)"
        )


def downgrade() -> None:
    op.drop_column("change", "token")
    for name in COMMENTS:
        op.drop_column("gallery", name)
