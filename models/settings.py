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

    operations: int  # operations or targets in one job
    atomic_operations: int  # operations that stand and fall together
    atomic_bytes: int  # bytes of these
    body_bytes: int  # decompressed bytes of one body
    item_bytes: int  # bytes of one operation
    depth: int  # nesting of one operation
    keys: int  # members of one object
    text: int  # characters of one text
    requests_per_minute: int  # of one user, to one machine
    bytes_per_minute: int  # of one user's bodies
    open_jobs: int  # of one user, queued or running
    page_size: int  # items on one page
    page_default: int
    selection_entries: int  # entries of one selection, its ids included
    filter_terms: int  # conditions of one filter
    wait_operations: int  # operations up to which a bulk POST waits for its job without being asked
    wait_seconds: int  # the longest wait a client may ask for


@dataclass(frozen=True)
class Settings:
    """One installation. Times are seconds unless a name says otherwise."""

    database_url: str
    broker_url: str
    home: Path
    exports: Path  # where export jobs put their files; web, worker and dispatcher share it
    assets: str  # where the bytes of assets are: a folder, or an address such as s3://bucket/prefix; all parts share it
    asset_bytes: int  # of one file
    image_pixels: int  # of one image; what would unpack to more is refused
    host: str
    port: int
    secret_key: str
    limits: Limits
    chunk_items: int
    chunk_bytes: int
    lanes: int
    small_items: int
    slots: int
    dispatch_window: int
    redispatch_after: float
    dispatch_tick: float
    tenant_jobs: int
    attempts_before_careful: int
    deaths_before_quarantine: int
    default_wait: float
    results_days: int
    jobs_days: int
    cursor_hours: int
    token_seconds: int  # how long a session's token lives; it is renewed while it is used
    answer_hours: int  # that the answer of a single operation is kept for repeats with its idempotency key
    feed_days: int
    feed_chunk: int  # changes of one stream in one answer
    part_lost_after: float
    watchdog_after: float  # that messages may wait while a worker takes none, before it ends itself
    poll_patience: float  # that a job may be asked about faster than its answers say
    wrong_keys: int  # from one address in a minute
    webhook_pauses: tuple[float, ...]  # between the tries of a delivery; after the last one its webhook is disabled
    webhook_timeout: float  # of one delivery, from the look at the name to the last byte of the answer
    webhooks_private: bool  # tests only: deliver to private addresses, and without TLS
    web_processes: int
    web_threads: int
    web_waiting: int  # readers of the feed that one process lets wait
    log_level: str
    pause_at: str  # tests only: where a worker stands still to be killed

    def __repr__(self) -> str:
        """Say where, never the secrets."""
        return f"Settings(home={str(self.home)!r}, port={self.port})"


def _limits(env: Env) -> Limits:
    return Limits(
        operations=env.int("MAX_OPERATIONS", 100_000),
        atomic_operations=env.int("MAX_ATOMIC_OPERATIONS", 10_000),
        atomic_bytes=env.int("MAX_ATOMIC_BYTES", 64 * MIB),
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
        wait_operations=env.int("WAIT_OPERATIONS", 20),
        wait_seconds=env.int("MAX_WAIT", 25),
    )


def load() -> Settings:
    """Read the environment, names beginning with `WAYBILL_`."""
    source = Env(prefix="WAYBILL_")
    slots = source.int("SLOTS", 2)
    return Settings(
        database_url=source.str("DATABASE_URL", ""),
        broker_url=source.str("BROKER_URL", ""),
        home=Path(source.str("HOME", "./.waybill")).absolute(),
        exports=Path(source.str("EXPORTS", "") or Path(source.str("HOME", "./.waybill")) / "exports").absolute(),
        assets=source.str("ASSETS", "") or str(Path(source.str("HOME", "./.waybill")).absolute() / "assets"),
        asset_bytes=source.int("MAX_ASSET_BYTES", 64 * MIB),
        image_pixels=source.int("MAX_IMAGE_PIXELS", 100_000_000),
        host=source.str("HOST", "127.0.0.1"),
        port=source.int("PORT", 8080),
        secret_key=source.str("SECRET_KEY", ""),
        limits=_limits(source),
        chunk_items=source.int("CHUNK_ITEMS", 1_000),
        chunk_bytes=source.int("CHUNK_BYTES", 4 * MIB),
        lanes=source.int("LANES", 4),
        small_items=source.int("SMALL_ITEMS", 100),
        slots=slots,
        dispatch_window=source.int("DISPATCH_WINDOW", 4 * slots),
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
        pause_at=source.str("PAUSE_AT", ""),
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the process's settings; `settings.cache_clear()` reads the environment anew."""
    return load()
