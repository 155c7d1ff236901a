"""The web application: a table of contents."""

from __future__ import annotations

from flask import Flask

from models.logs import configure_log
from models.settings import settings
from web import (
    classifications,
    evidence_keys,
    exports,
    failures,
    gate,
    handover,
    health,
    history,
    imports,
    jobs,
    limits,
    metrics,
    notices,
    openapi,
    quotas,
    receipts,
    reports,
    sync,
    traces,
    uploads,
    variants,
    webhooks,
)
from web.pace import Places
from web.pages import pages
from web.projects import blueprints
from web.streams import STREAMERS
from web.waiting import WAITERS

RESERVED_THREADS = 1  # of each half, for requests that are over at once


def create_app() -> Flask:
    """Build the application from the environment's settings."""
    known = settings()
    configure_log(known.log_level)
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = known.limits.body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = 0  # nothing here reads forms
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    for name in (STREAMERS, WAITERS):
        app.extensions[name] = Places(known.web_threads // 2 - RESERVED_THREADS)
    app.extensions[exports.EXPORTERS] = Places(known.web_threads // 4)
    app.extensions[uploads.UPLOADERS] = Places(known.web_threads // 4)
    gate.install(app)
    quotas.install(app)
    failures.install(app)
    handover.install(app)
    traces.install(app)
    own = (
        health.api,
        metrics.api,
        limits.api,
        openapi.api,
        jobs.api,
        reports.api,
        sync.api,
        history.undoing,
        exports.outside,
        webhooks.api,
        uploads.api,
        receipts.api,
        receipts.keys,
        notices.api,
        pages,
    )
    for blueprint in own:
        app.register_blueprint(blueprint)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    for prefix in classifications.PREFIXES:
        app.register_blueprint(evidence_keys.api, url_prefix=prefix, name=f"{prefix[1:]}-public")
        app.register_blueprint(classifications.api, url_prefix=prefix, name=prefix[1:])
        app.register_blueprint(exports.api, url_prefix=prefix, name=f"{prefix[1:]}-exports")
        app.register_blueprint(variants.api, url_prefix=prefix, name=f"{prefix[1:]}-variants")
        app.register_blueprint(history.api, url_prefix=prefix, name=f"{prefix[1:]}-history")
        app.register_blueprint(imports.api, url_prefix=prefix, name=f"{prefix[1:]}-imports")
    return app
