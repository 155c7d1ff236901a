"""Calls about records: reading them, and changing what they say and where they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.catalogue import channels, creating, orderings, saying, tree
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.fields import check_languages
from models.catalogue.record_view import RecordView
from models.catalogue.rows import Member, find_ids, load_records, missing
from models.catalogue.schema import load_schema
from models.catalogue.singles import apply, close, get_id, open_work
from models.errors import ItemDeleted
from models.jobs import service as jobs
from models.jobs.values import Item, Submission
from models.operations import copy_record_channels_down, permanent_delete_record
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("records")


def writing(ask: Ask) -> Work:
    """Lock the project and return what is needed to write in it. Raises Forbidden."""
    locked = ask.writing()
    return open_work(locked.session, locked.project)


def view(ask: Ask) -> RecordView:
    """Return what shows records in the languages that were asked for."""
    return RecordView(ask.project, load_schema(ask.session, ask.project), ask.params.languages(ask.project))


def shown(ask: Ask, work: Work, record_ids: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Return the `data` of an answer to a change."""
    languages = ask.params.languages(work.project)
    return RecordView(work.project, load_schema(work.session, work.project), languages).data(work.session, record_ids)


def changed(ask: Ask, work: Work, done: Done) -> Answer:
    """Return the answer to a change of one record."""
    return Answer({"record": done.made or done.gid}, shown(ask, work, [done.item_id or 0]))


@call(api, "records/get")
def get_records(ask: Ask) -> Answer:
    """Read one record, or those of a list that there are, deleted ones too."""
    single, gids = ask.params.one_or_more("record", "records")
    ids = find_ids(ask.session, ask.project.id, RECORDS, gids)
    if single and gids[0] not in ids:
        raise missing(RECORDS)
    data = view(ask).data(ask.session, [ids[gid] for gid in gids if gid in ids])
    return Answer({"record": gids[0]} if single else {"records": [gid for gid in gids if gid in ids]}, data)


@call(api, "records/update")
def update_record(ask: Ask) -> Answer:
    """Change values of fields. What does not fit its field is left out and reported; the call succeeds all the same."""
    work = writing(ask)
    sent = check_languages(ask.params.mapping("fields"), work.project.languages)
    done = saying.update(work, [get_id(work, RECORDS, ask.params.gid("record"))], sent)[0]
    report = done.facts.get("report.validation", [])
    if done.refused and not report:
        raise done.refused
    close(work, RECORDS, Done(done.gid, done.item_id))
    return Answer({"record": done.gid, "report.validation": report}, shown(ask, work, [done.item_id or 0]))


def _delete(work: Work, members: Sequence[Member]) -> list[Done]:
    return tree.delete(work, RECORDS, members)


def _undelete(work: Work, members: Sequence[Member]) -> list[Done]:
    return tree.undelete(work, RECORDS, members)


@call(api, "records/delete")
def delete_record(ask: Ask) -> Answer:
    """Delete a record softly, with all below it and the links to any of it."""
    work = writing(ask)
    done = apply(work, RECORDS, ask.params.gid("record"), _delete, tree.LIVE)
    return changed(ask, work, done)


@call(api, "records/undelete")
def undelete_record(ask: Ask) -> Answer:
    """Take a deletion back, with all that went along."""
    work = writing(ask)
    done = apply(work, RECORDS, ask.params.gid("record"), _undelete, tree.GONE)
    return changed(ask, work, done)


@call(api, "records/permanent_delete")
def permanent_delete(ask: Ask) -> Answer:
    """Remove a deleted record for good, with all below it: as a job."""
    work = writing(ask)
    record_id = get_id(work, RECORDS, ask.params.gid("record"))
    refused = tree.check_removable(load_records(work, [record_id]).get(record_id), RECORDS)
    if refused:
        raise refused
    parent_id = load_records(work, [record_id])[record_id].parent_id or 0
    token = submit_one(ask, Submission(permanent_delete_record.VERB.name, project_id=work.project.id), record_id)
    data = shown(ask, work, [parent_id])
    return Answer({"parent": next(iter(data["records"])), "job.token": token}, data)


def submit_one(ask: Ask, submission: Submission, record_id: int) -> str:
    """Store a job over one record; return its token."""
    job = jobs.submit(ask.session, ask.principal, submission, [Item(0, b"%d" % record_id)])
    return str(job.token)


@call(api, "records/channels/set")
def set_channels(ask: Ask) -> Answer:
    """Set a record's channels on or off."""
    work = writing(ask)
    enabled = ask.params.flag("enabled")
    keys = channels.check_channels(work, ask.params.texts("channels"), setting=enabled)

    def decide(work: Work, members: Sequence[Member]) -> list[Done]:
        return channels.set_channels(work, members, keys, enabled=enabled)

    return changed(ask, work, apply(work, RECORDS, ask.params.gid("record"), decide))


@call(api, "records/channels/copy_from_parent")
def copy_channels_from_parent(ask: Ask) -> Answer:
    """Make a record's channels be as its parent's."""
    work = writing(ask)
    keys = channels.check_channels(work, ask.params.find_texts("channels"))
    gid = ask.params.gid("record")
    return changed(ask, work, apply(work, RECORDS, gid, lambda work, members: channels.copy_from_parent(work, members, keys)))


@call(api, "records/channels/copy_up")
def copy_channels_up(ask: Ask) -> Answer:
    """Set the channels that a record is in for all above it, too."""
    work = writing(ask)
    keys = channels.check_channels(work, ask.params.find_texts("channels"))
    apply(work, RECORDS, ask.params.gid("record"), lambda work, members: channels.copy_up(work, members, keys))
    return Answer({})


@call(api, "records/channels/copy_down")
def copy_channels_down(ask: Ask) -> Answer:
    """Make the channels of all below a record be as its own: as a job."""
    work = writing(ask)
    keys = channels.check_channels(work, ask.params.find_texts("channels"))
    record_id = get_id(work, RECORDS, ask.params.gid("record"))
    if load_records(work, [record_id])[record_id].deleted:
        raise ItemDeleted("The record is deleted.")
    submission = Submission(copy_record_channels_down.VERB.name, {"channels": keys}, project_id=work.project.id)
    return Answer({"job.token": submit_one(ask, submission, record_id)})


@call(api, "records/orderings/set")
def set_orderings(ask: Ask) -> Answer:
    """Put a record at other places among its siblings, which make room."""
    work = writing(ask)
    places = creating.check_orderings(work, ask.params.mapping("orderings"))
    gid = ask.params.gid("record")
    return changed(ask, work, apply(work, RECORDS, gid, lambda work, members: orderings.set_places(work, members, places)))
