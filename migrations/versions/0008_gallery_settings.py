"""How templates of a subject are compared, duplicates told, and old ones erased."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("fusion", sa.String(8), nullable=False, server_default="best"),
        sa.Column(
            "duplicates",
            sa.JSON(),
            nullable=False,
            server_default='{"target_fpir": 0.05}',
            comment="see core.gallery_settings; {}: not looked for",
        ),
        sa.Column("retention_days", sa.Integer(), comment="null: for ever"),
    ):
        op.add_column("gallery", column)
    op.create_index("ix_subject_gallery_id_created_at", "subject", ["gallery_id", "created_at"])
    op.create_index("ix_template_gallery_id_created_at", "template", ["gallery_id", "created_at"])
    op.drop_index("ix_template_gallery_id", "template")
    column = sa.Column(
        "duplicates", sa.JSON(), nullable=False, server_default="[]", comment="other subjects"
    )
    op.add_column("job_file", column)


def downgrade() -> None:
    op.drop_column("job_file", "duplicates")
    op.create_index("ix_template_gallery_id", "template", ["gallery_id"])
    op.drop_index("ix_template_gallery_id_created_at", "template")
    op.drop_index("ix_subject_gallery_id_created_at", "subject")
    for name in ("retention_days", "duplicates", "fusion"):
        op.drop_column("gallery", name)
