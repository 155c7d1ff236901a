"""Pause, resume and pace of a project's jobs: for those who may cancel them."""

from __future__ import annotations

from tests.web.projects.conftest import Member

UNKNOWN = "22222222-2222-4222-8222-222222222222"


def delete(editor: Member, **more: object) -> str:
    token: str = editor.call("records/bulk/delete", selection=[UNKNOWN], **more)["job.token"]
    return token


def test_editors_pause_pace_and_resume_a_job_of_their_project(editor: Member) -> None:
    token = delete(editor, pace=7)
    assert editor.call("jobs/get", job=token)["jobs"][token]["pace"] == 7
    assert editor.call("jobs/pause", job=token)["jobs"][token]["pause_requested"] is True
    assert editor.call("jobs/pace", job=token, pace=100)["jobs"][token]["pace"] == 100
    assert editor.call("jobs/pace", job=token)["jobs"][token]["pace"] is None
    assert editor.call("jobs/resume", job=token)["jobs"][token]["pause_requested"] is False


def test_readers_and_strangers_do_not(editor: Member, reader: Member) -> None:
    token = delete(editor)
    for call in ("jobs/pause", "jobs/resume", "jobs/pace"):
        assert reader.refused(call, job=token) == (403, "forbidden")
        assert editor.refused(call, job=UNKNOWN) == editor.refused("jobs/cancel", job=UNKNOWN)
    assert editor.call("jobs/get", job=token)["jobs"][token]["pause_requested"] is False


def test_a_pace_is_a_whole_number(editor: Member) -> None:
    assert editor.refused("records/bulk/delete", selection=[UNKNOWN], pace=1.5)[0] == 400
    assert editor.refused("records/bulk/delete", selection=[UNKNOWN], pace=10_000_000)[0] == 400
