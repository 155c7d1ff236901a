"""Trees of records against a plain model: whatever is done in whatever order, both tell and show the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ids
from models.catalogue import placing, tree
from models.catalogue.changes import RECORDS, Done, Work, begin
from models.catalogue.placing import Target
from models.catalogue.projects import lock_project, open_project
from models.catalogue.record_lists import root_id
from models.catalogue.rows import load_records
from models.catalogue.schema import load_schema
from models.db import driver, engine, transaction
from tests.factories import ORDERINGS, PROJECT, project

KEY = ORDERINGS["alphabetical"]
MISSING = 10**15
START = 5  # records that each story begins with, under each other and beside each other


@dataclass
class Node:
    parent: int | None
    canonical: int | None = None
    deleted: bool = False
    root: int | None = None  # whose deletion took it along


@dataclass
class Model:
    """What there is, one node at a time. `places` has the children of each in their order, deleted ones too."""

    nodes: dict[int, Node]
    places: dict[int, list[int]] = field(default_factory=dict)

    def add(self, item: int, parent: int, canonical: int | None = None, before: int | None = None) -> None:
        self.nodes[item] = Node(parent, canonical)
        self.put(item, parent, before)

    def put(self, item: int, parent: int, before: int | None) -> None:
        beside = self.places.setdefault(parent, [])
        beside.insert(len(beside) if before is None else beside.index(before), item)

    def below(self, item: int) -> list[int]:
        return [item, *(deeper for child, node in self.nodes.items() if node.parent == item for deeper in self.below(child))]

    def links(self, items: list[int]) -> list[int]:
        return [item for item, node in self.nodes.items() if node.canonical in items]

    def above(self, item: int | None) -> list[int]:
        return [] if item is None else [item, *self.above(self.nodes[item].parent)]

    def delete(self, members: list[int]) -> list[str]:
        before = {item for item, node in self.nodes.items() if node.deleted}
        return [self._delete(member, before) for member in members]

    def _delete(self, member: int, before: set[int]) -> str:
        node = self.nodes.get(member)
        if node is None or node.parent is None or member in before:
            return "failed"
        if node.deleted:
            return "noop"
        gone = [item for item in self.below(member) if not self.nodes[item].deleted]
        for item in [*gone, *self.links(gone)]:
            if not self.nodes[item].deleted:
                self.nodes[item].deleted, self.nodes[item].root = True, member
        return "succeeded"

    def undelete(self, members: list[int]) -> list[str]:
        before = {item for item, node in self.nodes.items() if node.deleted}
        done: set[int] = set()
        while ready := [m for m in members if m in before - done and self.nodes[m].deleted and self._parent_lives(m)]:
            groups = [self._group(member) for member in ready]
            back = {item for group, _ in groups for item in group}
            for group, links in groups:
                for item in [*group, *links]:
                    self._bring(item, back)
            done.update(ready)
        return [self._undeleted(member, before, done) for member in members]

    def _parent_lives(self, item: int) -> bool:
        parent = self.nodes[item].parent
        return parent is not None and not self.nodes[parent].deleted

    def _group(self, member: int) -> tuple[list[int], list[int]]:
        root = self.nodes[member].root
        group = [member]
        for item in group:
            group += [child for child, node in self.nodes.items() if node.parent == item and node.deleted and node.root == root]
        return group, [link for link in self.links(group) if self.nodes[link].deleted and self.nodes[link].root == root]

    def _bring(self, item: int, back: set[int]) -> None:
        node = self.nodes[item]
        parent = self.nodes[node.parent or 0]
        if node.parent not in back and parent.deleted:
            node.root = parent.root
        else:
            node.deleted, node.root = False, None

    def _undeleted(self, member: int, before: set[int], done: set[int]) -> str:
        if member not in before or self.nodes[member].deleted:
            return "failed"
        return "succeeded" if member in done else "noop"

    def remove(self, members: list[int]) -> list[str]:
        told = []
        for member in members:
            node = self.nodes.get(member)
            told.append("noop" if node is None else "failed" if node.parent is None or not node.deleted else "succeeded")
        roots = [member for member, word in zip(members, told, strict=True) if word == "succeeded"]
        gone = {item for root in roots for item in self.below(root)}
        gone |= set(self.links(list(gone)))
        self.nodes = {item: node for item, node in self.nodes.items() if item not in gone}
        self.places = {p: [item for item in beside if item not in gone] for p, beside in self.places.items() if p not in gone}
        return told

    def move(self, members: list[int], parent: int, before: int | None) -> list[str]:
        told = [self._unmovable(member, parent, before) for member in members]
        moving = [member for member, word in zip(members, told, strict=True) if word == "succeeded"]
        for member in moving:
            self.places[self.nodes[member].parent or 0].remove(member)
        for member in moving:
            self.nodes[member].parent = parent
            self.put(member, parent, before if before not in moving else None)
        return told

    def _unmovable(self, member: int, parent: int, before: int | None) -> str:
        node = self.nodes.get(member)
        if node is None or node.deleted or node.parent is None or member in self.above(parent) or member == before:
            return "failed"
        return "noop" if node.parent == parent and before is None else "succeeded"


@contextmanager
def story() -> Iterator[tuple[Work, Model]]:
    """A tree in a transaction that leaves nothing, and the model of it."""
    with engine().connect() as session:
        session.begin()
        known = open_project(session, PEOPLE["editor"], PROJECT)
        known = lock_project(session, known)
        begin(session)
        work = Work.on(session, known, load_schema(session, known))
        root = root_id(session, known)
        yield work, Model({root: Node(None)})
        session.rollback()


PEOPLE: dict[str, object] = {}


@pytest.fixture
def people(database: str) -> None:
    with transaction() as session:
        PEOPLE.update(project(session))


def target(work: Work, parent: int, before: int | None = None) -> Target:
    nodes = load_records(work, [parent, *([before] if before else [])])
    return Target(nodes[parent], KEY, nodes[before] if before else None)


def state(work: Work) -> dict[int, Node]:
    rows = work.execute("SELECT id, parent_id, canonical_id, status = 'deleted', deleted_with FROM catalogue_records ORDER BY id")
    return {row[0]: Node(*row[1:]) for row in rows}


def order(work: Work, parent: int) -> list[int]:
    values = {"parent": parent, "key": KEY}
    sql = "SELECT id FROM catalogue_records WHERE parent_id = %(parent)s ORDER BY (positions->>%(key)s)::int NULLS LAST, id"
    return [row[0] for row in work.execute(sql, values)]


def words(done: list[Done]) -> list[str]:
    return [one.status for one in done]


def gids(number: int) -> list[str]:
    return [str(ids.new_token()) for _ in range(number)]


def plant(work: Work, model: Model, parents: list[int]) -> list[int]:
    """Make records, each below the root or an earlier one."""
    made = list(model.nodes)
    for choice in parents:
        parent = made[choice % len(made)]
        item = placing.create(work, target(work, parent), gids(1)[0]).item_id
        assert item
        made.append(item)
        model.add(item, parent)
    return made


def step(work: Work, model: Model, name: str, picked: list[int], where: int) -> None:
    """Do one thing to both, and compare what they tell."""
    every = sorted(model.nodes)
    members = list(dict.fromkeys((every[number % len(every)] if number < 50 else MISSING) for number in picked))
    parent = every[where % len(every)]
    node = model.nodes[parent]
    beside = [item for item in model.places.get(parent, ()) if item not in members]
    before = beside[where % len(beside)] if beside and where % 3 == 0 else None
    match name:
        case "delete":
            assert words(tree.delete(work, RECORDS, members)) == model.delete(members)
        case "undelete":
            assert words(tree.undelete(work, RECORDS, members)) == model.undelete(members)
        case "remove":
            assert words(tree.permanent_delete(work, RECORDS, members)) == model.remove(members)
        case "move" if not node.deleted and node.canonical is None:
            assert words(placing.move(work, members, target(work, parent, before))) == model.move(members, parent, before)
        case "link" if not node.deleted and node.canonical is None:
            link(work, model, members, (parent, before))


def link(work: Work, model: Model, members: list[int], place: tuple[int, int | None]) -> None:
    parent, before = place
    new = gids(len(members))
    done = placing.link(work, members, target(work, parent, before), new)
    made = dict(work.execute("SELECT gid::text, id FROM catalogue_records WHERE gid = ANY(%(gids)s::uuid[])", {"gids": new}))
    assert words(done) == ["succeeded" if m in model.nodes and not model.nodes[m].deleted else "failed" for m in members]
    for member, gid in zip(members, new, strict=True):
        if gid in made:
            model.add(made[gid], parent, model.nodes[member].canonical or member, before)


steps = st.tuples(
    st.sampled_from(["delete", "delete", "undelete", "undelete", "undelete", "remove", "move", "link"]),
    st.lists(st.integers(0, 50), min_size=1, max_size=3),
    st.integers(0, 49),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parents=st.lists(st.integers(0, START), min_size=START, max_size=START),
    links=st.lists(st.tuples(st.integers(1, START), st.integers(0, START)), min_size=2, max_size=3),
    told=st.lists(steps, min_size=1, max_size=10),
)
@pytest.mark.usefixtures("people")
def test_a_tree_is_what_the_model_says(
    parents: list[int], links: list[tuple[int, int]], told: list[tuple[str, list[int], int]]
) -> None:
    with story() as (work, model):
        made = plant(work, model, parents)
        for original, parent in links:
            link(work, model, [made[original]], (made[parent], None))
        for name, picked, where in told:
            step(work, model, name, picked, where)
            assert state(work) == model.nodes
            for parent in model.nodes:
                assert order(work, parent) == model.places.get(parent, [])


@pytest.mark.usefixtures("people")
def test_nothing_live_is_below_something_deleted() -> None:
    with story() as (work, model):
        made = plant(work, model, [0, 1, 2])
        tree.delete(work, RECORDS, [made[1]])
        assert [node.deleted for node in state(work).values()] == [False, True, True, True]
        assert words(tree.undelete(work, RECORDS, [made[3], made[1]])) == ["noop", "succeeded"]
        rows = driver(work.session).execute(
            "SELECT count(*) FROM catalogue_records r JOIN catalogue_records p ON p.id = r.parent_id "
            "WHERE r.status = 'published' AND p.status = 'deleted'"
        ).fetchone()  # fmt: skip
        assert rows == (0,)
