"""A gallery's templates are read in the order of their enrolment, part by part."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_template_gallery_id_id", "template", ["gallery_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_template_gallery_id_id", "template")
