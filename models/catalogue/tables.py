"""The catalogue's tables as migrations 0005 and 0014 make them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from models.db import metadata


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def _gid() -> sa.Column[object]:
    return sa.Column("gid", sa.Uuid, nullable=False, unique=True)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, server_default=sa.false(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB, server_default="{}", nullable=False)


def _status() -> sa.Column[str]:
    return sa.Column("status", sa.Text, server_default="published", nullable=False)


def _words() -> sa.Column[str]:
    return sa.Column("words", TSVECTOR, server_default="", nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


schema_items = sa.Table(
    "schema_items",
    metadata,
    _id(),
    _gid(),
    sa.Column("project_id", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("original_id", sa.BigInteger),
    _flag("is_new"),
    _flag("is_working_copy"),
    _flag("is_base"),
    _flag("is_extended"),
    _json("body"),
    _words(),
    _moment("created_on"),
    _moment("updated_on"),
)
saved_queries = sa.Table(
    "saved_queries",
    metadata,
    _id(),
    _gid(),
    sa.Column("project_id", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("q", sa.Text, nullable=False),
    sa.Column("filter", JSONB, nullable=False),
)
catalogue_records = sa.Table(
    "catalogue_records",
    metadata,
    _id(),
    _gid(),
    sa.Column("project_id", sa.Integer, nullable=False),
    sa.Column("parent_id", sa.BigInteger),
    sa.Column("canonical_id", sa.BigInteger),
    sa.Column("definition_id", sa.BigInteger, nullable=False),
    _status(),
    sa.Column("deleted_with", sa.BigInteger),
    sa.Column("channels", ARRAY(sa.Text), server_default="{}", nullable=False),
    _json("positions"),
    _json("content"),
    _moment("created_on"),
    _moment("updated_on"),
)
catalogue_words = sa.Table(
    "catalogue_words",
    metadata,
    sa.Column("record_id", sa.BigInteger, primary_key=True),
    sa.Column("words", TSVECTOR, nullable=False),
)
assets = sa.Table(
    "assets",
    metadata,
    _id(),
    _gid(),
    sa.Column("project_id", sa.Integer, nullable=False),
    sa.Column("parent_id", sa.BigInteger),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_file", sa.Boolean, nullable=False),
    sa.Column("type", sa.Text),
    _status(),
    sa.Column("deleted_with", sa.BigInteger),
    sa.Column("version", sa.Integer, server_default="1", nullable=False),
    _json("body"),
    _words(),
    _moment("created_on"),
    _moment("updated_on"),
)
