"""Every setting of Waybill, read from the environment once. Nothing else reads `os.environ`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from environs import Env

KIB = 1024
MIB = 1024 * KIB
# Soon at first, then for three days. Only the first of a webhook's deliveries is tried, so that it may be tried often.
WEBHOOK_PAUSES = [5.0, 30.0, 120.0, 300.0, 600.0, 900.0, *[1_800.0] * 8, *[3_600.0] * 20, *[7_200.0] * 24]


@dataclass(frozen=True)
class Limits:
    """What one client may send. `GET /api/limits` shows these numbers, and refusals name them."""

    operations: int  # operations, or members of a selection, in one job
    atomic_operations: int  # operations that can stand or fall together
    atomic_bytes: int  # bytes of them
    preview_items: int  # items of a test on the project face whose outcomes hang on each other
    body_bytes: int  # bytes of one body, unpacked
    item_bytes: int  # bytes of one operation
    depth: int  # nesting of one operation
    keys: int  # members of one object
    text: int  # characters of one text
    requests_per_minute: int  # requests of one user to one machine
    bytes_per_minute: int  # bytes that one user may send to one machine
    open_jobs: int  # jobs of one user that are not done
    page_size: int  # items on one page
    page_default: int  # the same where a client says nothing
    selection_entries: int  # entries of one selection, its ids included
    filter_terms: int  # conditions of one filter
    subtree: int  # items that a change of one item takes along, such as all below a deleted record
    upload_bytes: int  # bytes of one upload that can be resumed, as they are sent
    upload_unpacked_bytes: int  # the same, unpacked
    upload_operations: int  # operations in one upload
    open_uploads: int  # uploads of one user that are not complete
    wait_operations: int  # operations up to which a bulk POST waits for its outcomes without being asked
    wait_seconds: int  # the longest wait that `Prefer: wait=N` may ask for


@dataclass(frozen=True)
class Settings:
    """One installation. Times are seconds unless a name says otherwise."""

    database_url: str  # an existing PostgreSQL 15 or later; without it, `waybill up` brings one of its own
    broker_url: str  # an existing Redis 7, Valkey or RabbitMQ; without it, `waybill up` brings a Valkey of its own
    home: Path  # folder of all data of `waybill up`
    exports: Path  # folder of the files that export jobs make, shared by all parts; without, `exports` in the home
    uploads: Path  # folder of what is uploaded and not stored yet, shared by all parts; without, `uploads` in the home
    assets: str  # where bytes of assets are, shared by all parts: a folder or `s3://bucket/prefix`; without, `assets` in the home
    asset_bytes: int  # bytes of one file
    image_pixels: int  # pixels of one image; what would unpack to more is refused
    host: str  # address to listen on
    port: int  # port to listen on
    secret_key: str  # seals cursors and webhooks' secrets, the same in all parts; `waybill up` makes one and keeps it in the home
    limits: Limits
    chunk_items: int  # operations in one chunk
    chunk_bytes: int  # bytes in one chunk
    lanes: int  # lanes of one job: operations on one record share a lane and keep their order
    worker_memory: int  # bytes that one process of a worker may take; an item that needs more is quarantined
    small_items: int  # jobs up to this size have a queue of their own
    slots: int  # chunks that one worker works on at a time
    dispatch_window: int  # chunks that are called out at a time; without, twice the slots or the lanes: one job must not fill it
    redispatch_after: float  # seconds after which a chunk without a sign of life is called out again
    dispatch_tick: float  # seconds between two looks of the dispatcher
    tenant_jobs: int  # large jobs of one organisation that run at a time; more wait their turn
    attempts_before_careful: int  # attempts at a chunk before its items are tried one by one
    deaths_before_quarantine: int  # workers that one item may take down before it is set aside as failed
    default_wait: float  # seconds that a bulk POST waits where it waits without being asked
    results_days: int  # days that items and outcomes are kept
    jobs_days: int  # days that summaries of jobs and idempotency keys are kept
    cursor_hours: int  # hours that a page cursor lasts
    token_seconds: int  # seconds that a session of the project face lasts; it is renewed as it is used
    upload_hours: int  # hours that an upload waits to be gone on with
    answer_hours: int  # hours that the answer to one operation with an idempotency key is kept for repeats
    feed_days: int  # days that the sync feed remembers
    feed_chunk: int  # changes of one stream in one answer of the sync feed
    part_lost_after: float  # seconds of silence after which a part counts as gone
    watchdog_after: float  # seconds after which a worker that hears nothing, though there is work, starts again
    poll_patience: float  # seconds for which a client may ask for a job more often than `Retry-After` says
    wrong_keys: int  # wrong API keys a minute from one address
    webhook_pauses: tuple[float, ...]  # seconds between the tries of a delivery; after the last one its webhook is disabled
    webhook_timeout: float  # seconds of one delivery, from the look at the name to the last byte of the answer
    webhooks_private: bool  # for tests: deliver to private addresses, and without TLS
    web_processes: int  # processes that answer HTTP
    web_threads: int  # threads of each
    web_waiting: int  # readers of each that may wait for news without holding a thread
    log_level: str  # from which level on events are written
    traces: str  # where traces go: the address of an OTLP collector, or `off`; without, as OTEL_EXPORTER_OTLP_ENDPOINT says
    pause_at: str  # for tests: where a worker stands still to be killed

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that `secret_key` lists: the first makes what is new, the others may still open what is old."""
        return tuple(part.strip() for part in self.secret_key.split(",") if part.strip())

    def __repr__(self) -> str:
        """Say where, never the secrets."""
        return f"Settings(home={str(self.home)!r}, port={self.port})"


def _limits(env: Env) -> Limits:
    return Limits(
        operations=env.int("MAX_OPERATIONS", 100_000),
        atomic_operations=env.int("MAX_ATOMIC_OPERATIONS", 10_000),
        atomic_bytes=env.int("MAX_ATOMIC_BYTES", 64 * MIB),
        preview_items=env.int("MAX_PREVIEW_ITEMS", 20_000),
        body_bytes=env.int("MAX_BODY_BYTES", 256 * MIB),
        item_bytes=env.int("MAX_ITEM_BYTES", 4 * MIB),
        depth=env.int("MAX_DEPTH", 20),
        keys=env.int("MAX_KEYS", 2_000),
        text=env.int("MAX_TEXT", 100_000),
        requests_per_minute=env.int("REQUESTS_PER_MINUTE", 600_000),
        bytes_per_minute=env.int("BYTES_PER_MINUTE", 64 * 1024 * MIB),
        open_jobs=env.int("MAX_OPEN_JOBS", 2_000),
        page_size=env.int("MAX_PAGE_SIZE", 1_000),
        page_default=env.int("PAGE_SIZE", 100),
        selection_entries=env.int("MAX_SELECTION_ENTRIES", 100_000),
        filter_terms=env.int("MAX_FILTER_TERMS", 100),
        subtree=env.int("MAX_SUBTREE", 250_000),
        upload_bytes=env.int("MAX_UPLOAD_BYTES", 16 * 1024 * MIB),
        upload_unpacked_bytes=env.int("MAX_UPLOAD_UNPACKED_BYTES", 64 * 1024 * MIB),
        upload_operations=env.int("MAX_UPLOAD_OPERATIONS", 10_000_000),
        open_uploads=env.int("MAX_OPEN_UPLOADS", 20),
        wait_operations=env.int("WAIT_OPERATIONS", 20),
        wait_seconds=env.int("MAX_WAIT", 25),
    )


def load() -> Settings:
    """Read the environment, names beginning with `WAYBILL_`."""
    source = Env(prefix="WAYBILL_")
    slots = source.int("SLOTS", 3)
    lanes = source.int("LANES", 4)
    return Settings(
        database_url=source.str("DATABASE_URL", ""),
        broker_url=source.str("BROKER_URL", ""),
        home=Path(source.str("HOME", "./.waybill")).absolute(),
        exports=Path(source.str("EXPORTS", "") or Path(source.str("HOME", "./.waybill")) / "exports").absolute(),
        uploads=Path(source.str("UPLOADS", "") or Path(source.str("HOME", "./.waybill")) / "uploads").absolute(),
        assets=source.str("ASSETS", "") or str(Path(source.str("HOME", "./.waybill")).absolute() / "assets"),
        asset_bytes=source.int("MAX_ASSET_BYTES", 64 * MIB),
        image_pixels=source.int("MAX_IMAGE_PIXELS", 100_000_000),
        host=source.str("HOST", "127.0.0.1"),
        port=source.int("PORT", 8080),
        secret_key=source.str("SECRET_KEY", ""),
        limits=_limits(source),
        chunk_items=source.int("CHUNK_ITEMS", 1_000),
        chunk_bytes=source.int("CHUNK_BYTES", 4 * MIB),
        lanes=lanes,
        worker_memory=source.int("WORKER_MEMORY", 2048 * MIB),
        small_items=source.int("SMALL_ITEMS", 100),
        slots=slots,
        dispatch_window=source.int("DISPATCH_WINDOW", max(2 * lanes, 2 * slots)),
        redispatch_after=source.float("REDISPATCH_AFTER", 8.0),
        dispatch_tick=source.float("DISPATCH_TICK", 0.5),
        tenant_jobs=source.int("TENANT_JOBS", 4),
        attempts_before_careful=source.int("ATTEMPTS_BEFORE_CAREFUL", 3),
        deaths_before_quarantine=source.int("DEATHS_BEFORE_QUARANTINE", 3),
        default_wait=source.float("DEFAULT_WAIT", 10.0),
        results_days=source.int("RESULTS_DAYS", 30),
        jobs_days=source.int("JOBS_DAYS", 365),
        cursor_hours=source.int("CURSOR_HOURS", 24),
        token_seconds=source.int("TOKEN_SECONDS", 86_400),
        upload_hours=source.int("UPLOAD_HOURS", 72),
        answer_hours=source.int("ANSWER_HOURS", 48),
        feed_days=source.int("FEED_DAYS", 30),
        feed_chunk=source.int("FEED_CHUNK", 1_000),
        part_lost_after=source.float("PART_LOST_AFTER", 10.0),
        watchdog_after=source.float("WATCHDOG_AFTER", 30.0),
        poll_patience=source.float("POLL_PATIENCE", 60.0),
        wrong_keys=source.int("WRONG_KEYS", 300),
        webhook_pauses=tuple(source.list("WEBHOOK_PAUSES", WEBHOOK_PAUSES, subcast=float)),
        webhook_timeout=source.float("WEBHOOK_TIMEOUT", 15.0),
        webhooks_private=source.bool("WEBHOOKS_PRIVATE", False),
        web_processes=source.int("WEB_PROCESSES", 2),
        web_threads=source.int("WEB_THREADS", 16),
        web_waiting=source.int("WEB_WAITING", 10_000),
        log_level=source.str("LOG_LEVEL", "INFO"),
        traces=_traces(source.str("TRACES", "")),
        pause_at=source.str("PAUSE_AT", ""),
    )


def _traces(named: str) -> str:
    """Return where traces go: an address, `otel` where the library's own variables say it, or nothing."""
    if named:
        return "" if named.lower() == "off" else named
    library = Env()
    known = [library.str(name, "") for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    return "otel" if any(known) else ""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the process's settings; `settings.cache_clear()` reads the environment anew."""
    return load()
