"""Are the faults blunt? Without what heals them, the same faults must do harm that the accountant sees."""

from __future__ import annotations

import pytest

from tests.faults.faults import lose_messages
from tests.faults.site import Site
from tests.faults.storm import MISCOUNTED, Watcher, load

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
NEVER = "100000"
LONG_ENOUGH = 6.0  # three times what is needed with the sweeper at work


def test_lost_messages_strand_a_job_whose_chunks_are_not_sent_again(clean_site: Site) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.restart("dispatcher", WAYBILL_REDISPATCH_AFTER=NEVER)
    site.submit(load("big", 300))
    site.tend_until(lambda: site.query("SELECT index FROM outcomes LIMIT 1"), 30)
    lose_messages(site)
    site.tend_for(LONG_ENOUGH)
    assert not watcher.nothing_open()
    assert site.query(MISCOUNTED)
    site.restart("dispatcher")
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()


HARM = {
    "lost": "DELETE FROM versions WHERE record_id = (SELECT min(id) FROM records)",
    "doubled": "UPDATE versions SET record_id = (SELECT max(id) FROM records) WHERE record_id = (SELECT min(id) FROM records)",
    "out of order": """
        UPDATE records SET evidence = jsonb_set(evidence, '{condition,value}', '"step 1"') WHERE lab_record_id = 'big-7'
    """,
    "untold": "DELETE FROM outcomes WHERE index = 7",
    "not counted": "UPDATE jobs SET succeeded = succeeded - 1, failed = failed + 1",
}


@pytest.mark.parametrize("harm", HARM)
def test_the_accountant_sees_what_is(clean_site: Site, harm: str) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.submit(load("big", 50))
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
    site.query(HARM[harm])
    with pytest.raises(AssertionError):
        watcher.account()
