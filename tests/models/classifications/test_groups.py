"""Operations that stand and fall together, against an oracle that leaves refused groups out from the start."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from models.classifications.groups import MOST_ROUNDS, Name, Together, carry_out_grouped
from models.classifications.state import Decision, Operation, Status, Target
from models.classifications.view import Posted

ANY = Operation(Target())


@dataclass
class Step:
    """An operation on a counter: adds `amount`, refused where the counter is not at least `least`."""

    name: str
    amount: int
    least: int = 0


@dataclass
class Counters:
    """A scene of counters."""

    values: dict[str, int] = field(default_factory=dict)
    calls: int = 0

    def carry_out(self, ask: Step) -> Posted:
        self.calls += 1
        if self.values.get(ask.name, 0) < ask.least:
            return Posted(ANY, Decision(Status.FAILED, None, code="too_low"), None, None)
        self.values[ask.name] = self.values.get(ask.name, 0) + ask.amount
        return Posted(ANY, Decision(Status.SUCCEEDED if ask.amount else Status.NOOP, None), None, None)

    def name(self, ask: Step, done: Posted) -> Name:
        return ("", ask.name)

    def put_back(self, name: Name) -> None:
        self.values.pop(name[1], None)


def together(*groups: str | None) -> Together:
    return Together(groups, range(len(groups)))


def endings(done: list[Posted]) -> list[str]:
    return [item.decision.code or item.decision.status.value for item in done]


def test_a_refused_item_takes_its_group_along_and_no_other() -> None:
    scene = Counters()
    steps = [Step("a", 1), Step("b", 1), Step("a", 1), Step("c", 0, least=1), Step("d", 1)]
    done = carry_out_grouped(scene, steps, together("g", "h", None, "g", "g"))
    assert endings(done) == ["rolled_back", "succeeded", "succeeded", "too_low", "rolled_back"]
    assert scene.values == {"a": 1, "b": 1}


def test_a_group_that_needs_another_falls_with_it() -> None:
    scene = Counters()
    steps = [Step("a", 1), Step("z", 0, least=9), Step("a", 1, least=1), Step("b", 1), Step("b", 1, least=1)]
    done = carry_out_grouped(scene, steps, together("g", "g", "h", "h", "i"))
    assert endings(done) == ["rolled_back", "too_low", "too_low", "rolled_back", "too_low"]
    assert scene.values == {}


def test_groups_that_are_entangled_without_end_all_fall_in_time() -> None:
    scene = Counters()
    links = 3 * MOST_ROUNDS
    steps, groups = [Step("z", 0, least=9), Step("0", 1)], ["0", "0"]
    for link in range(links):
        steps += [Step(str(link), 1, least=1), Step(str(link + 1), 1)]
        groups += [str(link + 1)] * 2
    steps += [Step("free", 1)]
    done = carry_out_grouped(scene, steps, together(*groups, None))
    assert set(endings(done)) == {"too_low", "rolled_back", "succeeded"}
    assert scene.values == {"free": 1}
    assert scene.calls < len(steps) * 3


STEPS = st.builds(Step, st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 3))


@given(st.lists(st.tuples(STEPS, st.sampled_from((None, "g", "h", "i", "j"))), max_size=14))
def test_what_is_left_is_what_the_groups_without_a_refusal_would_have_made_alone(items: list[tuple[Step, str | None]]) -> None:
    scene = Counters()
    steps, groups = [step for step, _ in items], [group for _, group in items]
    done = carry_out_grouped(scene, steps, together(*groups))
    refused = {group for group, item in zip(groups, done, strict=True) if item.decision.status is Status.FAILED} - {None}
    alone = Counters()
    for (step, group), item in zip(items, done, strict=True):
        if group in refused:
            assert item.decision.status in (Status.FAILED, Status.SKIPPED)
        else:
            assert alone.carry_out(step).decision.status is item.decision.status
    assert {name: value for name, value in scene.values.items() if value} == {n: v for n, v in alone.values.items() if v}
