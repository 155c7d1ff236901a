"""Who there is: organisations, labs, users, api keys, projects and their members."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from models.db import metadata


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


organisations = sa.Table(
    "organisations",
    metadata,
    _id(),
    sa.Column("group_name", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
)
labs = sa.Table(
    "labs",
    metadata,
    _id(),
    sa.Column("organisation_id", sa.ForeignKey("organisations.id"), nullable=False),
    sa.Column("group_name", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("external", sa.Boolean, nullable=False),
)
users = sa.Table(
    "users",
    metadata,
    _id(),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("email", sa.Text, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("superuser", sa.Boolean, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("gid", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False, unique=True),
    sa.Column("password_digest", sa.Text),
    sa.Column("options", JSONB, server_default="{}", nullable=False),
)
lab_members = sa.Table(
    "lab_members",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("lab_id", sa.ForeignKey("labs.id"), primary_key=True),
)
api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    _moment("created_on"),
    _moment("expires_on"),
    _moment("last_used_on"),
    _moment("revoked_on"),
)
projects = sa.Table(
    "projects",
    metadata,
    sa.Column("gid", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("languages", ARRAY(sa.Text), nullable=False),
    sa.Column("settings", JSONB, nullable=False),
    sa.Column("id", sa.Integer, sa.Identity(), nullable=False, unique=True),
    sa.Column("cursor", sa.BigInteger, server_default="0", nullable=False),
    sa.Column("owner_id", sa.Integer),
    sa.Column("icon", sa.Text),
    sa.Column("status", sa.Text, server_default="active", nullable=False),
    sa.Column("schema_stamp", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
)
project_members = sa.Table(
    "project_members",
    metadata,
    sa.Column("project_gid", sa.ForeignKey("projects.gid"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("options", JSONB, server_default="{}", nullable=False),
    sa.Column("status", sa.Text, server_default="active", nullable=False),
)
