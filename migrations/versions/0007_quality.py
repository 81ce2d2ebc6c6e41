"""What each gallery asks of images."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column(
        "quality", sa.JSON(), nullable=False, server_default="[]", comment="see core.quality"
    )
    op.add_column("gallery", column)


def downgrade() -> None:
    op.drop_column("gallery", "quality")
