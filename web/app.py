"""The web application: a table of contents."""

from __future__ import annotations

from flask import Flask

from models.settings import settings
from web import classifications, failures, gate, health, jobs, limits, openapi
from web.pace import Places
from web.pages import pages
from web.streams import STREAMERS
from web.waiting import WAITERS

RESERVED_THREADS = 1  # of each half, for requests that are over at once


def create_app() -> Flask:
    """Build the application from the environment's settings."""
    known = settings()
    gate.configure_log(known.log_level)
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = known.limits.body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = 0  # nothing here reads forms
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    for name in (STREAMERS, WAITERS):
        app.extensions[name] = Places(known.web_threads // 2 - RESERVED_THREADS)
    gate.install(app)
    failures.install(app)
    for blueprint in (health.api, limits.api, openapi.api, jobs.api, pages):
        app.register_blueprint(blueprint)
    for prefix in classifications.PREFIXES:
        app.register_blueprint(classifications.public, url_prefix=prefix, name=f"{prefix[1:]}-public")
        app.register_blueprint(classifications.api, url_prefix=prefix, name=prefix[1:])
    return app
