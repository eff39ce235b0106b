"""Create the tables of tasks, conversations, idempotency keys and chat counts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"

identity = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", identity, primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("due_at", moment),
        sa.Column("completed", sa.Boolean, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_task_user_created", "task", ["user_id", "created_at", "id"])
    op.create_table(
        "conversation",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("thread", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("ix_conversation_user_created", "conversation", ["user_id", "created_at", "id"])
    op.create_table(
        "conversation_item",
        sa.Column("position", identity, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column(
            "conversation_id",
            sa.String(64),
            sa.ForeignKey("conversation.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("item", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.UniqueConstraint("conversation_id", "id", name="uq_conversation_item_conversation_id"),
    )
    op.create_index(
        "ix_conversation_item_order", "conversation_item", ["conversation_id", "position"]
    )
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.String(255), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.JSON),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_table(
        "chat_count",
        sa.Column("user_id", sa.String(255), primary_key=True),
        sa.Column("window", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("chat_count", "idempotency_key", "conversation_item", "conversation", "task"):
        op.drop_table(table)
