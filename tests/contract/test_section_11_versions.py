"""Section 11: versions. Section 12: publishing and who sees what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import V2, A, cell, codes, make, read, refused, send
from tests.web.conftest import Caller

SPELLINGS = {
    "lab": ["lab", 1, "1"],
    "institution": ["institution", "organisation", 2, "2"],
    "logged_in_users": ["logged_in_users", 3, "3"],
    "public": ["public", "global", 4, "4"],
}
LEVELS = tuple(SPELLINGS)
READERS = {"ann": "lab", "ben": "institution", "cat": "logged_in_users", "outsider": "logged_in_users", "admin": "lab"}


def _at(answer: Any) -> str:
    return f"{answer['meta']['version']:.6f}"


def _callers(ann: Caller) -> dict[str, Caller]:
    return {name: Caller(ann.client, name) for name in READERS}


def _seen(caller: Caller) -> str | None:
    """Return the zygosity that a caller reads, None where there is nothing to read."""
    answer = caller.get(f"{V2}record/{A}")
    return answer.json["data"]["zygosity"]["value"] if answer.status_code == 200 else None


def test_11_every_change_of_evidence_is_a_version_named_by_its_time(ann: Caller) -> None:
    versions = [make(ann)["meta"]["version"]]
    versions += [send(ann, {"patch": {"zygosity": value}})["meta"]["version"] for value in ("homozygous", "hemizygous")]
    assert versions == sorted(set(versions))
    assert all(isinstance(version, float) for version in versions)


def test_11_publishing_alone_makes_no_version(ann: Caller) -> None:
    version = make(ann)["meta"]["version"]
    published = send(ann, {"publish": "public"})["meta"]
    assert (published["version"], published["published_version"]) == (version, version)


def test_11_two_changes_within_a_minute_are_two_versions(ann: Caller) -> None:
    first = make(ann)
    second = send(ann, {"patch": {"zygosity": "homozygous"}})
    assert read(ann, f"{A}.{_at(first)}")["data"]["zygosity"]["value"] == "hemizygous"
    assert read(ann, f"{A}.{_at(second)}")["data"]["zygosity"]["value"] == "homozygous"


def test_11_no_change_is_no_version(ann: Caller) -> None:
    assert make(ann)["meta"]["version"] == send(ann, {"patch": {"zygosity": "hemizygous"}})["meta"]["version"]


def test_11_creating_without_evidence_stores_a_version(ann: Caller) -> None:
    assert read(ann, f"{A}.{_at(send(ann, {'create': {}}))}")["meta"]["version"]


def test_11_a_versioned_read_says_so_and_cannot_be_written(ann: Caller, cat: Caller) -> None:
    first = make(ann, publish="logged_in_users")
    send(ann, {"patch": {"zygosity": "homozygous"}})
    old = read(ann, f"{A}.{_at(first)}")

    assert old["meta"]["title"] == f"{A}.{_at(first)}"
    assert (old["meta"]["can_write"], old["meta"]["can_write_latest"]) == (False, True)
    assert (old["version_publish_level"], old["version_is_published"], old["is_last_published"]) == (
        "logged_in_users",
        True,
        True,
    )
    theirs = read(cat, f"{A}.{_at(first)}")["meta"]
    assert (theirs["can_write"], theirs["can_write_latest"]) == (False, False)


def test_11_the_time_must_match_to_the_microsecond(ann: Caller) -> None:
    version = make(ann)["meta"]["version"]
    assert ann.get(f"{V2}record/{A}.{version + 1e-5:.6f}").status_code == 404


def test_11_the_reader_needs_access_to_that_very_version(ann: Caller, cat: Caller) -> None:
    first = make(ann)
    send(ann, {"patch": {"zygosity": "homozygous"}, "publish": "logged_in_users"})
    assert cat.get(f"{V2}record/{A}.{_at(first)}").status_code == 404
    assert cat.get(f"{V2}record/{A}").status_code == 200


@pytest.mark.parametrize(("level", "spelling"), [(level, spelling) for level in LEVELS for spelling in SPELLINGS[level]])
def test_12_every_spelling_of_a_level(ann: Caller, level: str, spelling: Any) -> None:
    assert make(ann, publish=spelling)["publish"] == level


@pytest.mark.parametrize("spelling", ["user", 0, "0"])
def test_12_publishing_to_the_user_asks_for_nothing(ann: Caller, spelling: Any) -> None:
    made = make(ann, publish=spelling)
    assert (made["publish"], codes(made)) == ("lab", ["patched"])


@pytest.mark.parametrize("spelling", ["everybody", 5, -1, 1.5, "", True, [3]])
def test_12_an_unknown_level_fails_before_anything_is_done(ann: Caller, spelling: Any) -> None:
    make(ann)
    assert refused(ann, {"patch": {"zygosity": "homozygous"}, "publish": spelling}) == (400, "invalid_publish")
    assert cell(ann, "zygosity")["value"] == "hemizygous"


@pytest.mark.parametrize("level", LEVELS)
def test_12_each_level_includes_all_lower_ones(ann: Caller, level: str) -> None:
    make(ann, publish=level)
    for name, caller in _callers(ann).items():
        expected = "hemizygous" if LEVELS.index(READERS[name]) <= LEVELS.index(level) else None
        assert _seen(caller) == expected, name


def test_12_evidence_is_applied_first_then_published(ann: Caller, cat: Caller) -> None:
    make(ann)
    send(ann, {"patch": {"zygosity": "homozygous"}, "publish": "logged_in_users"})
    assert _seen(cat) == "homozygous"


def test_12_an_error_keeps_it_from_being_published_and_the_evidence_stays(ann: Caller, cat: Caller) -> None:
    make(ann, publish="logged_in_users")
    answer = send(ann, {"patch": {"zygosity": "nonsense"}, "publish": "logged_in_users"})
    assert codes(answer) == ["patched", "share_failure"]
    assert (_seen(ann), _seen(cat)) == ("nonsense", "hemizygous")


def test_12_publishing_again_what_is_published_so_is_no_change(ann: Caller) -> None:
    make(ann, publish="public")
    published_on = read(ann)["meta"]["published_on"]
    answer = send(ann, {"publish": "public"})
    assert (codes(answer), answer["status"]) == (["shared"], "unchanged")
    assert read(ann)["meta"]["published_on"] == published_on


def test_12_a_narrower_level_after_a_wider_one_leaves_the_wider_readers_with_the_old(ann: Caller) -> None:
    """Level 3 on Monday, level 2 on Tuesday."""
    make(ann, publish="logged_in_users")
    answer = send(ann, {"patch": {"zygosity": "homozygous"}, "publish": "institution"})
    assert (answer["publish"], "shared_higher" in codes(answer)) == ("institution", False)
    seen = {name: _seen(caller) for name, caller in _callers(ann).items()}
    new, old = "homozygous", "hemizygous"
    assert seen == {"ann": new, "admin": new, "ben": new, "cat": old, "outsider": old}


def test_12_the_lab_works_on_the_working_copy_and_others_see_what_was_published(ann: Caller, cat: Caller) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"patch": {"zygosity": "homozygous"}})
    assert (_seen(ann), _seen(cat)) == ("homozygous", "hemizygous")
    assert (read(ann)["meta"]["has_changes"], read(cat)["meta"]["has_changes"]) == (True, False)


def test_12_what_was_published_cannot_be_unpublished(ann: Caller, cat: Caller) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"publish": "lab"})
    assert _seen(cat) == "hemizygous"


@pytest.mark.parametrize(
    ("key", "hidden_from"),
    [
        ("owner", {"cat", "outsider"}),
        ("curated_by", {"cat", "outsider"}),
        ("curation_verified_by", {"cat", "outsider"}),
        ("somatic:summary_interpretation", {"ben", "cat", "outsider"}),
        ("zygosity", set()),
        ("c_hgvs", set()),
    ],
)
def test_12_1_a_key_is_hidden_beyond_its_ceiling(ann: Caller, key: str, hidden_from: set[str]) -> None:
    sent = {} if key in ("owner", "zygosity", "c_hgvs") else {key: "secret"}
    make(ann, sent, publish="public")
    for name, caller in _callers(ann).items():
        found = cell(caller, key)
        assert (found == {"value": "(hidden)", "hidden": True}) is (name in hidden_from), name


@pytest.mark.parametrize(("sent", "told"), [({"note": "n"}, True), ({"explain": "e"}, True), (None, False)])
def test_12_1_a_hidden_cell_shows_only_that_it_holds_something(ann: Caller, cat: Caller, sent: Any, told: bool) -> None:
    make(ann, {"curated_by": sent}, publish="public")
    assert cell(cat, "curated_by") == ({"value": "(hidden)", "hidden": True} if told else None)


def test_12_1_the_owner_sees_everything_wherever_they_belong(ann: Caller, both: Caller, cat: Caller) -> None:
    make(both, {"somatic:summary_interpretation": "secret"}, name="south/one/B", publish="public")
    assert cell(both, "somatic:summary_interpretation", "south/one/B")["value"] == "secret"
    assert cell(cat, "somatic:summary_interpretation", "south/one/B")["value"] == "secret"
    assert cell(ann, "somatic:summary_interpretation", "south/one/B")["value"] == "(hidden)"


@pytest.mark.parametrize("level", LEVELS)
def test_12_2_members_of_the_lab_and_superusers_write_whatever_the_level(ann: Caller, level: str) -> None:
    make(ann, publish=level)
    for name, caller in _callers(ann).items():
        if READERS[name] == "lab":
            send(caller, {"patch": {}})
        else:
            assert refused(caller, {"patch": {}})[0] == 403, name
