"""Workers that stand still: a connection each, left wherever a story leaves it, in a test of one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from hypothesis.stateful import RuleBasedStateMachine

from models.db import DATABASE_ERRORS, Session, driver, engine, sqlstate
from models.jobs import ledger
from models.jobs.ledger import Chunk, Claim, Held, Overtaken
from models.settings import settings

BUSY = "55P03"  # the row is held by somebody who stands still


@dataclass
class Hand:
    """One worker: its claim, and the transaction it stands in, if any."""

    claim: Claim
    session: Session | None = None
    next_item: int = 0
    probed: bool = False
    ended: bool = False  # the open transaction ends the chunk


class Hands(RuleBasedStateMachine):
    """The workers of one story. A rule that would have to wait for another worker ends its worker instead."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = psycopg.connect(settings().database_url, autocommit=True)
        self.hands: list[Hand] = []

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        return self.reader.execute(sql).fetchall()

    def open(self, session: Session, hand: Hand) -> Chunk:
        """Open the chunk; whoever may is the last who claimed it."""
        chunk = ledger.open_chunk(session, hand.claim)
        assert not self.was_overtaken(hand.claim)
        return chunk

    def hand(self, place: int) -> Hand:
        return self.hands[place % len(self.hands)]

    def let_go(self, hand: Hand) -> None:
        if hand.session is not None:
            hand.session.rollback()
            hand.session.close()
        hand.session = None

    @contextmanager
    def standing(self, hand: Hand) -> Iterator[Session]:
        """Do something in the hand's transaction and leave it open; a hand that is overtaken or blocked is gone."""
        hand.session, done = engine().connect(), False
        with self.impatient(hand.session, hand.claim):
            yield hand.session
            done = True
        if not done:
            self.let_go(hand)
            self.hands.remove(hand)

    @contextmanager
    def at_once(self, hand: Hand) -> Iterator[Session]:
        """Do something in a transaction of its own, as the hand; a hand that is overtaken or blocked is gone."""
        done = False
        with self.alone(hand.claim) as session:
            yield session
            done = True
        if not done:
            self.hands.remove(hand)

    @contextmanager
    def alone(self, mine: Claim | None = None) -> Iterator[Session]:
        """Open a transaction that commits at the end, and is rolled back where it would have to wait or is overtaken."""
        with engine().connect() as session:
            with self.impatient(session, mine):
                yield session
                session.commit()
            session.rollback()

    @contextmanager
    def impatient(self, session: Session, mine: Claim | None = None) -> Iterator[None]:
        """End quietly where a worker may end: overtaken (and only if it was), held by a pause, or where it would wait."""
        try:
            session.begin()
            driver(session).execute("SET LOCAL lock_timeout = '20ms'")
            yield
        except Overtaken:
            session.rollback()
            assert mine is not None and self.was_overtaken(mine)
        except Held:
            session.rollback()
            assert mine is not None
            self.release(mine)
        except DATABASE_ERRORS as error:
            session.rollback()
            assert sqlstate(error) == BUSY, error

    def release(self, mine: Claim) -> None:
        with self.alone() as session:
            ledger.release(session, mine)

    def was_overtaken(self, mine: Claim) -> bool:
        now = self.read(f"SELECT fence, status FROM chunks WHERE job_id = {mine.job_id} AND no = {mine.no}")
        return now != [(mine.fence, "claimed")]
