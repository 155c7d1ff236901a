"""The database refuses one statement in twenty as a serialization failure would: no item fails for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.faults.site import KEY, Site
from tests.faults.storm import Watcher, load

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SITE_ENVIRONMENT = {"WAYBILL_TEST_ITEM_SECONDS": "0", "WAYBILL_CHUNK_ITEMS": "10"}
RECORDS = 300
REFUSE = """
CREATE SEQUENCE refusals;
GRANT USAGE ON SEQUENCE refusals TO waybill;
CREATE FUNCTION refuse_one_in_twenty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF mod(nextval('refusals'), 20) = 0 THEN
        RAISE EXCEPTION 'injected' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER INSERT ON outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_one_in_twenty();
"""
FORGIVE = "DROP TRIGGER refuse ON outcomes; DROP FUNCTION refuse_one_in_twenty; DROP SEQUENCE refusals"


@pytest.fixture
def refusing(clean_site: Site) -> Iterator[Site]:
    """Give a site whose database refuses every twentieth statement that stores outcomes."""
    clean_site.query(REFUSE)
    yield clean_site
    clean_site.query(FORGIVE)


def test_p26_every_item_succeeds_and_attempts_show_the_retries(
    refusing: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = refusing, Watcher(refusing)
    token = site.submit(load("big", RECORDS))
    site.tend_until(watcher.nothing_open, 120)
    watcher.account()
    shown = requests.get(f"{site.url}/api/jobs/{token}", headers=KEY, timeout=10).json()
    refusals = site.query("SELECT last_value / 20 FROM refusals")[0][0]
    assert shown["attempts"] > shown["chunks"] and refusals > 0
    record_property("seen", f"serialization: {refusals} refusals, attempts {shown['attempts']} for {shown['chunks']} chunks")
