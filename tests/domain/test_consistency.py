"""The doctor's rules about tasks: every wrong row is found, and no correct one is reported."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain import consistency
from git_agent.domain.consistency import RecordedTask
from git_agent.domain.finding import RULES, Finding
from git_agent.domain.replay import Mismatch, Replayed
from git_agent.domain.task import Hold, State

FOLDED = st.builds(
    Replayed, st.sampled_from(State), st.sampled_from([None, *Hold]), st.integers(0, 9), st.integers(0, 30), st.none()
)


@given(FOLDED, st.integers(1, 3), st.data())
def test_a_row_is_sound_exactly_when_its_events_say_the_same(folded: Replayed, at: int, data: st.DataObject) -> None:
    assert folded.state is not None
    row = RecordedTask(7, folded.state, folded.hold, folded.epoch, folded.version)
    assert consistency.compare_with_events(row, folded) is None
    others = {1: [None, *Hold], 2: range(12), 3: range(40)}[at]
    name = RecordedTask._fields[at + 1]
    changed = row._replace(**{name: data.draw(st.sampled_from([v for v in others if v != getattr(row, name)]))})
    found = consistency.compare_with_events(changed, folded)
    assert found is not None and (found.code, found.task) == ("state-differs", 7)
    assert RecordedTask(7, *found.data["wanted"]) == row and RecordedTask(7, *found.data["row"]) == changed


def test_a_history_that_breaks_off_is_named_with_its_event() -> None:
    row = RecordedTask(7, State.OPEN, None, 0, 0)
    found = consistency.compare_with_events(
        row, Replayed(State.OPEN, None, 0, 0, Mismatch(12, "has version 5 after version 0"))
    )
    assert found is not None and found.what == "event 12 of task 7 has version 5 after version 0"
    none = consistency.compare_with_events(row, Replayed())
    assert none is not None and (none.code, none.what) == ("history-broken", "task 7 has no events")


@given(st.sampled_from(State), st.sampled_from([None, *Hold]))
def test_only_what_is_worked_on_may_have_a_lease(state: State, hold: Hold | None) -> None:
    may = state in ("ASSIGNED", "WORKING") and hold is None
    assert (consistency.check_lease(7, state, hold) is None) == may


def test_an_approval_is_for_the_tip() -> None:
    assert consistency.check_approval(7, State.APPROVED, "a" * 40, "a" * 40) is None
    assert consistency.check_approval(7, State.APPROVED, "a" * 40, None) is None  # told of its branch
    assert consistency.check_approval(7, State.IN_REVIEW, None, "a" * 40) is None
    assert consistency.check_approval(7, State.APPROVED, "a" * 40, "b" * 40) is not None


def loops(edges: list[tuple[int, int]]) -> list[Finding]:
    states = dict.fromkeys(range(10), State.OPEN)
    return [f for f in consistency.check_dependencies(edges, states, {}) if f.code == "dependency-cycle"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1]), max_size=25))
def test_loops_are_found_where_there_are_any(edges: list[tuple[int, int]]) -> None:
    """A graph without loops can be taken apart from its ends."""
    left = set(edges)
    while ends := {e for e in left if not any(e[1] == other[0] for other in left)}:
        left -= ends
    assert bool(loops(edges)) == bool(left)


def test_a_loop_is_told_as_it_is() -> None:
    (found,) = loops([(1, 2), (2, 3), (3, 1), (4, 1)])
    assert found.what == "task 1 waits for task 2 waits for task 3 waits for task 1"


def test_a_parent_that_is_gone_and_a_wrong_count_are_found() -> None:
    states = {1: State.OPEN, 2: State.COMPLETED, 3: State.FAILED}
    edges = [(1, 2), (1, 3), (1, 9)]
    assert [f.code for f in consistency.check_dependencies(edges, states, {1: 1})] == ["dependency-missing"]
    found = consistency.check_dependencies(edges[:2], states, {1: 2})
    assert [(f.code, f.data["count"]) for f in found] == [("dependency-count", 1)]


def test_each_code_says_why_it_matters_and_what_mends_it() -> None:
    for code, rule in RULES.items():
        found = Finding(code, "something", 7, "store" if code == "not-examined" else "a", "git agent show 7")
        assert rule.symptom and rule.why and found.fix and "{" not in found.fix, code
        assert not rule.why.endswith(".") and (rule.fixable or rule.fix != "git agent doctor --fix"), code


def test_a_command_that_mends_can_be_typed_as_it_stands() -> None:
    import re
    import shlex

    import click

    from git_agent.cli.main import group

    top = click.Context(group, **group.context_settings)
    for code in RULES:
        for typed in re.findall(r"git agent ([^,;\n]*)", Finding(code, "", 7, "a").fix):
            verb, *words = shlex.split(typed)
            command = group.get_command(top, verb)
            assert command is not None, (code, typed)
            command.make_context(verb, words, parent=top)
