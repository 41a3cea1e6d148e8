"""Tasks: read as values, changed only when they still are as they were read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from git_agent.domain.process_id import ProcessId
from git_agent.domain.replay import Replayed, StateChange, replay
from git_agent.domain.task import MOVES, Hold, Move, State, Step, after
from git_agent.errors import AgentError, Exit
from git_agent.store import tasks
from git_agent.store.errors import Violation
from git_agent.store.store import Store
from tests.store.children import answer
from tests.store.conftest import Add

OWNER = ProcessId("host", "boot", 42, 1000)


def _move(state: State, step: Step, hold: Hold | None = None) -> Move:
    found = after(state, hold, step)
    assert found is not None
    return found


def _placed(**columns: Any) -> dict[str, Any]:
    return {"branch": "agent/1-a", "attempt": 1, **columns}


CANCEL = _move(State.OPEN, Step.CANCEL)
CLAIM = _move(State.OPEN, Step.CLAIM)


def test_a_move_changes_state_version_and_time_and_appends_its_event(store: Store, add: Add) -> None:
    task = add("a")
    with store.transaction():
        moved = store.tasks.move(task, CLAIM, "Ada", data={"attempt": 1}, **_placed())
    assert (moved.state, moved.version, moved.epoch, moved.branch) == (State.ASSIGNED, 1, 1, "agent/1-a")
    assert moved.state_at >= task.state_at and moved == store.tasks.get(task.id)
    (event,) = store.events.of_task(task.id)
    assert (event.kind, event.actor, event.source, event.target) == ("task.claimed", "Ada", "OPEN", "ASSIGNED")
    assert (event.epoch, dict(event.data)) == (1, {"attempt": 1})
    assert event.at >= task.created_at


@pytest.mark.parametrize("move", [m for m in MOVES if m.sources], ids=lambda m: f"{m.step}-{m.target}")
def test_every_move_is_made_with_its_hold_and_fence(store: Store, add: Add, move: Move) -> None:
    for number, source in enumerate(sorted(move.sources)):
        held = {"any": Hold.CONFLICT, "none": None, None: None}.get(move.held, move.held)
        task = add(f"t{number}", source, **({"hold": held} if held else {}), epoch=5, version=3)
        with store.transaction():
            moved = store.tasks.move(task, move, "Ada", **_placed(reviewed_oid="a" * 40))
        assert (moved.state, moved.hold, moved.version) == (move.target, move.hold, 4)
        assert moved.epoch == (6 if move.fences else 5)


@pytest.mark.parametrize(
    "change",
    [{"state": State.FAILED}, {"version": 7}, {"epoch": 7}, {"id": 99}],
    ids=["state", "version", "epoch", "gone"],
)
def test_a_task_that_is_not_as_it_was_read_is_not_changed(store: Store, add: Add, change: dict[str, Any]) -> None:
    task = add("a")
    with pytest.raises(tasks.Changed), store.transaction():
        store.tasks.move(task._replace(**change), CANCEL, "Ada")
    assert store.tasks.get(task.id) == task
    assert store.events.of_task(None) == []


def test_of_two_who_read_the_same_task_one_changes_it(store: Store, add: Add) -> None:
    task = add("a")
    with store.transaction():
        store.tasks.move(task, CLAIM, "Ada", **_placed())
    with pytest.raises(tasks.Changed), store.transaction():
        store.tasks.move(task, CLAIM, "Bob", **_placed())
    assert [event.actor for event in store.events.of_task(task.id)] == ["Ada"]


def test_of_sixteen_processes_that_cancel_a_task_at_once_one_does(store: Store, directory: Path, add: Add) -> None:
    task = add("a")
    results = answer(
        """
        def work(number):
            store = Store.open(sys.argv[1], create=False)
            task = store.tasks.get(1)
            if task.state is not State.OPEN:
                return False
            try:
                with store.transaction():
                    store.tasks.move(task, after(State.OPEN, None, Step.CANCEL), f"worker {number}")
                return True
            except tasks.Changed:
                return False
        say(json.dumps(at_once(16, work)))
        """,
        directory,
    )
    assert sorted(results) == [False] * 15 + [True]
    assert len(store.events.of_task(task.id)) == 1
    assert store.tasks.get(task.id).version == 1


def test_a_transaction_that_fails_leaves_neither_change_nor_event(store: Store, add: Add) -> None:
    task = add("a")
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.tasks.move(task, CANCEL, "Ada")
        raise ZeroDivisionError
    assert store.tasks.get(task.id) == task
    assert store.events.of_task(None) == []


@pytest.mark.parametrize("column", ["state", "hold", "version", "epoch"])
def test_nothing_but_a_move_changes_where_a_task_stands(store: Store, add: Add, column: str) -> None:
    task = add("a")
    with pytest.raises(ValueError, match="by move only"), store.transaction():
        store.tasks.put(task.id, **{column: "WORKING" if column == "state" else 1})
    assert store.tasks.get(task.id) == task


def test_a_second_event_for_one_version_can_not_be_written(store: Store, add: Add) -> None:
    task = add("a")
    with store.transaction():
        store.tasks.move(task, CANCEL, "Ada")
    with pytest.raises(Violation), store.transaction():
        store.events.append("task.cancelled", "Bob", task=task.id, source=State.OPEN, target=State.CANCELLED, version=1)


def test_the_state_is_the_fold_of_the_events(store: Store, add: Add) -> None:
    task = add("a")
    with store.transaction():
        store.events.append("task.added", "Ada", task=task.id, target=State.OPEN, epoch=0, version=0)
    for step in (Step.SPAWN, Step.START, Step.ASK, Step.ANSWER, Step.DONE, Step.APPROVE, Step.MERGE, Step.REOPEN):
        with store.transaction():
            task = store.tasks.move(task, _move(task.state, step, task.hold), "Ada", **_placed(reviewed_oid="a" * 40))
        changes = [
            StateChange(e.seq, e.kind, e.source, e.target, e.epoch, e.version) for e in store.events.of_task(task.id)
        ]
        assert replay(changes) == Replayed(task.state, task.hold, task.epoch, task.version)


def test_a_taken_name_is_refused_and_names_the_other(store: Store, add: Add) -> None:
    other = add("fix-login")
    with pytest.raises(AgentError) as caught:
        add("Fix-Login", name_key="fix-login")
    assert (caught.value.code, caught.value.exit) == ("name-taken", Exit.REFUSED)
    assert f"task {other.id}" in caught.value.message
    assert len(store.tasks.listing()) == 1


def test_a_row_that_is_wrong_otherwise_is_not_said_to_be_a_taken_name(add: Add) -> None:
    with pytest.raises(Violation):
        add("a", priority=9)


def test_an_unknown_task_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(AgentError) as caught:
        store.tasks.get(99)
    assert (caught.value.code, caught.value.exit) == ("unknown-task", Exit.ERROR)


def test_tasks_are_found_by_name_and_branch(store: Store, add: Add) -> None:
    old = add("a", State.COMPLETED, branch="agent/1-a")
    assert [t.id for t in store.tasks.by_name("a")] == [old.id]
    new = add("a", State.WORKING, branch="agent/2-a")
    assert [t.id for t in store.tasks.by_name("a")] == [new.id]  # the finished one is out of the way
    assert [t.id for t in store.tasks.by_branch("agent/1-a")] == [old.id]
    assert store.tasks.by_branch("agent") == [] and store.tasks.by_name("A") == []
    assert store.names.taken("a") and not store.names.taken("b")


def test_the_name_of_what_an_undo_brings_back_is_taken_before_it_is_there(store: Store, add: Add) -> None:
    back = add("a", State.CANCELLED)
    assert not store.names.taken("a")
    with store.transaction():
        store.intents.write("undo", back.id, OWNER, {})
    with pytest.raises(AgentError) as caught:
        add("a", State.OPEN)
    assert (caught.value.code, caught.value.exit) == ("name-taken", Exit.REFUSED)
    store.names.require("a", "a", back.id)  # it is its own


def test_lists_are_by_priority_and_then_by_id(store: Store, add: Add) -> None:
    add("low", priority=4), add("first", priority=0), add("next", priority=0), add("done", State.COMPLETED)
    assert [t.name for t in store.tasks.listing()] == ["first", "next", "done", "low"]
    assert [t.name for t in store.tasks.unfinished()] == ["first", "next", "low"]
    assert [t.name for t in store.tasks.listing([State.COMPLETED, State.FAILED])] == ["done"]
    assert store.tasks.count_by_state() == {State.OPEN: 3, State.COMPLETED: 1}


def test_ready_is_what_is_open_due_free_and_waits_for_nobody(store: Store, add: Add) -> None:
    now = store.now()
    add("ready", priority=3), add("urgent", priority=0), add("due", not_before=now - 1)
    add("later", not_before=now + 60_000), add("at-work", State.WORKING), add("failed", State.FAILED)
    child, reserved = add("child"), add("reserved")
    with store.transaction():
        store.tasks.set_parents(child.id, [store.tasks.by_name("at-work")[0].id])
        store.intents.write("spawn", reserved.id, OWNER, {})
    assert [t.name for t in store.queue.ready()] == ["urgent", "due", "ready"]


def test_what_was_seen_of_the_unfinished_branches_is_listed(store: Store, add: Add) -> None:
    add("open"), add("done", State.COMPLETED, branch="b")
    task = add("at-work", State.WORKING, head_oid="c" * 40, base_seen="d" * 40)
    (sight,) = store.last_seen.listing()
    assert (sight.id, sight.branch, sight.base) == (task.id, "agent/at-work", "main")
    assert (sight.head_oid, sight.base_seen) == ("c" * 40, "d" * 40)


def test_what_is_left_behind_is_found_until_it_is_removed(store: Store, add: Add) -> None:
    task = add("a", State.COMPLETED)
    with store.transaction():
        store.attempts.add(task.id, 1, 1, "agent/1-a", "b" * 40, adopted=False)
        store.attempts.place(task.id, 1, "/w/1-a", "1-a")
    assert [t.id for t in store.tasks.with_remains([State.COMPLETED])] == [task.id]
    assert store.tasks.with_remains([State.CANCELLED]) == []
    with store.transaction():
        store.attempts.remove(task.id, 1)
    assert store.tasks.with_remains([State.COMPLETED]) == []


def test_a_task_that_is_taken_back_leaves_nothing_of_its_own(store: Store, add: Add) -> None:
    parent, task = add("parent"), add("a")
    with store.transaction():
        store.tasks.set_parents(task.id, [parent.id])
        store.tasks.set_paths(task.id, ["src", "docs"])
        store.attempts.add(task.id, 1, 1, "agent/1-a", "b" * 40, adopted=False)
        store.leases.take(task.id, "hand", None)
    with store.transaction():
        store.tasks.delete(task)
    assert store.tasks.find(task.id) is None and store.tasks.children(parent.id) == []
    for table in ("task_dep", "path_claim", "attempt", "lease"):
        assert not store.sql(f"SELECT * FROM {table}")


def test_paths_are_replaced_as_a_whole(store: Store, add: Add) -> None:
    one, two = add("one").id, add("two").id
    with store.transaction():
        store.tasks.set_paths(one, ["src", "docs", "src"])
        store.tasks.set_paths(one, ["tests", "docs"])
    assert store.tasks.paths([one, two]) == {one: ["docs", "tests"], two: []}


def test_many_tasks_are_asked_about_at_once(store: Store, add: Add) -> None:
    # Past 500 the answer comes from one scan; it must say the same.
    parent = add("parent").id
    with store.transaction():
        children = [_row(store, f"child-{n}") for n in range(501)]
        for child in children:
            store.tasks.set_parents(child, [parent])
            store.tasks.set_paths(child, [f"src/{child}"])
            store.leases.take(child, "hand", None)
    assert store.tasks.parents(children) == {child: [parent] for child in children}
    assert store.tasks.blockers(children) == {child: {parent: State.OPEN} for child in children}
    assert store.tasks.paths(children) == {child: [f"src/{child}"] for child in children}
    assert store.tasks.parents(children[:3]) == {child: [parent] for child in children[:3]}
    assert set(children) <= set(store.leases.of(children)) and set(store.leases.of(children[:2])) == set(children[:2])


def _row(store: Store, name: str) -> int:
    values = {"name": name, "name_key": name, "title": name, "priority": 2, "base": "main"}
    return store.tasks.insert(values, State.OPEN).id
