"""Who waits for whom: no cycles, and the count of what is unresolved is right on every path."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from git_agent.domain.task import State, Step, after
from git_agent.errors import AgentError, Exit
from git_agent.store.store import Store
from tests.store.conftest import Add


def _step(store: Store, task: int, step: Step) -> None:
    now = store.tasks.get(task)
    move = after(now.state, now.hold, step)
    assert move is not None, (now.state, step)
    with store.transaction():
        store.tasks.move(now, move, "Ada", branch="b", attempt=1, reviewed_oid="a" * 40)


def _wait(store: Store, task: int, *parents: int) -> None:
    with store.transaction():
        store.tasks.set_parents(task, parents)


def test_a_completed_parent_releases_and_a_reopened_one_takes_back(store: Store, add: Add) -> None:
    parent, other, child = add("parent").id, add("other").id, add("child").id
    _wait(store, child, parent, other)
    assert (store.tasks.get(child).unresolved, store.tasks.blockers([child])) == (
        2,
        {child: {parent: State.OPEN, other: State.OPEN}},
    )
    _step(store, parent, Step.MERGED)
    assert (store.tasks.get(child).unresolved, store.tasks.blockers([child])) == (1, {child: {other: State.OPEN}})
    _step(store, other, Step.MERGED)
    assert [t.id for t in store.queue.ready()] == [child]
    _step(store, parent, Step.REOPEN)
    assert store.tasks.get(child).unresolved == 1
    assert child not in [t.id for t in store.queue.ready()]
    assert (store.tasks.parents([child]), store.tasks.children(parent)) == ({child: [parent, other]}, [child])


@pytest.mark.parametrize("path", [[Step.CANCEL], [Step.SPAWN, Step.FAIL], [Step.SPAWN, Step.EXHAUST]])
def test_a_parent_that_fails_or_is_cancelled_never_releases(store: Store, add: Add, path: list[Step]) -> None:
    parent, child = add("parent").id, add("child").id
    _wait(store, child, parent)
    for step in path:
        _step(store, parent, step)
    assert store.tasks.get(child).unresolved == 1
    assert child not in [t.id for t in store.queue.ready()]


def test_waiting_for_what_is_completed_already_is_no_waiting(store: Store, add: Add) -> None:
    parent, child = add("parent", State.COMPLETED).id, add("child").id
    _wait(store, child, parent)
    assert store.tasks.get(child).unresolved == 0


def test_naming_a_parent_twice_counts_once(store: Store, add: Add) -> None:
    parent, child = add("parent").id, add("child").id
    _wait(store, child, parent, parent)
    assert (store.tasks.get(child).unresolved, store.tasks.parents([child])) == (1, {child: [parent]})


def test_a_task_can_not_wait_for_itself_however_far_around(store: Store, add: Add) -> None:
    chain = [add(f"t{n}").id for n in range(5)]
    for child, parent in zip(chain[1:], chain, strict=False):
        _wait(store, child, parent)
    for last in (chain[0], chain[-1]):
        with pytest.raises(AgentError) as caught:
            _wait(store, chain[0], last)
        assert (caught.value.code, caught.value.exit) == ("dependency-cycle", Exit.REFUSED)
    assert store.tasks.parents(chain[:1]) == {chain[0]: []}


def test_a_refused_change_leaves_the_old_parents(store: Store, add: Add) -> None:
    one, two, child = add("one").id, add("two").id, add("child").id
    _wait(store, child, one)
    with pytest.raises(AgentError, match="there is no task 99"):
        _wait(store, child, two, 99)
    assert (store.tasks.parents([child]), store.tasks.get(child).unresolved) == ({child: [one]}, 1)


def test_a_task_that_others_wait_for_is_not_taken_back(store: Store, add: Add) -> None:
    parent, child = add("parent"), add("child").id
    _wait(store, child, parent.id)
    with store.transaction():
        assert not store.tasks.delete(parent)
    assert store.tasks.get(parent.id) == parent
    _wait(store, child)
    with store.transaction():
        assert store.tasks.delete(parent)
    assert store.tasks.find(parent.id) is None


def test_two_diamonds_of_forty_levels_are_walked_once(store: Store, add: Add) -> None:
    # Every level waits for both tasks of the level above: a walk that forgets where it was takes 2^40 steps.
    pair = [add("a0").id, add("b0").id]
    with store.transaction():
        for level in range(1, 40):
            above = pair
            pair = []
            for name in (f"a{level}", f"b{level}"):
                values = {"name": name, "name_key": name, "title": "T", "priority": 2, "base": "main"}
                pair.append(store.tasks.insert(values, State.OPEN).id)
                store.tasks.set_parents(pair[-1], above)
    assert store.tasks.get(pair[0]).unresolved == 2
    with pytest.raises(AgentError, match="cycle"):
        _wait(store, 1, pair[0])


class Dependencies(RuleBasedStateMachine):
    """Tasks that are added, moved, deleted and made to wait for each other, beside a model in plain Python."""

    added: Bundle[int] = Bundle("added")

    def __init__(self) -> None:
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.store = Store.open(str(self.scratch / "git-agent"), create=True)
        self.store._database.rows("PRAGMA synchronous=OFF")  # no power is cut here
        self.states: dict[int, State] = {}
        self.waits: dict[int, set[int]] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.scratch)

    @rule(target=added)
    def add(self) -> int:
        name = f"t{len(self.states)}-{self.store.now()}"
        values = {"name": name, "name_key": name, "title": "T", "priority": 2, "base": "main"}
        with self.store.transaction():
            task = self.store.tasks.insert(values, State.OPEN).id
            self.store.events.append("task.added", "Ada", task=task, target=State.OPEN, version=0)
        self.states[task], self.waits[task] = State.OPEN, set()
        return task

    @rule(task=added, step=st.sampled_from(list(Step)))
    def move(self, task: int, step: Step) -> None:
        if task not in self.states:
            return
        now = self.store.tasks.get(task)
        move = after(now.state, now.hold, step)
        if move is not None:
            with self.store.transaction():
                self.store.tasks.move(now, move, "Ada", branch="b", attempt=1, reviewed_oid="a" * 40)
            self.states[task] = move.target

    @rule(task=added, parents=st.lists(added, max_size=4))
    def wait(self, task: int, parents: list[int]) -> None:
        if task not in self.states:
            return
        known = all(p in self.states for p in parents)
        cyclic = any(task in self._above(p) for p in parents if p in self.states)
        try:
            with self.store.transaction():
                self.store.tasks.set_parents(task, parents)
            assert known and not cyclic
            self.waits[task] = set(parents)
        except AgentError:
            assert cyclic or not known

    @rule(task=added)
    def delete(self, task: int) -> None:
        if task not in self.states:
            return
        waited_for = any(task in parents for parents in self.waits.values())
        with self.store.transaction():
            assert self.store.tasks.delete(self.store.tasks.get(task)) is not waited_for
        if not waited_for:
            del self.states[task], self.waits[task]

    @rule(task=added, step=st.sampled_from([Step.MERGED, Step.REOPEN, Step.CANCEL]))
    def give_up_halfway(self, task: int, step: Step) -> None:
        now = self.store.tasks.find(task)
        move = now and after(now.state, now.hold, step)
        if now and move:
            with pytest.raises(KeyboardInterrupt), self.store.transaction():
                self.store.tasks.move(now, move, "Ada", branch="b", attempt=1)
                raise KeyboardInterrupt

    @precondition(lambda self: self.states)
    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        ids = list(self.states)
        open_ones = {t: {p for p in ps if self.states[p] is not State.COMPLETED} for t, ps in self.waits.items()}
        rows = {task.id: task for task in self.store.tasks.listing()}
        assert {t: row.state for t, row in rows.items()} == self.states
        assert {t: row.unresolved for t, row in rows.items()} == {t: len(ps) for t, ps in open_ones.items()}
        assert self.store.tasks.parents(ids) == {t: sorted(ps) for t, ps in self.waits.items()}
        waits = {t: {p: self.states[p] for p in sorted(ps)} for t, ps in open_ones.items()}
        assert self.store.tasks.blockers(ids) == waits
        claimable = {t for t, s in self.states.items() if s is State.OPEN and not open_ones[t]}
        assert {t.id for t in self.store.queue.ready()} == claimable

    def _above(self, task: int) -> set[int]:
        seen, todo = {task}, [task]
        while todo:
            for parent in self.waits[todo.pop()] - seen:
                seen.add(parent)
                todo.append(parent)
        return seen


Dependencies.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestDependencies = Dependencies.TestCase
