"""The queue: its order, that reading it costs the same however long it is, and that each task is given out once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import FINISHED, State, Task
from git_agent.store.store import Store
from tests.store.children import answer
from tests.store.conftest import Add
from tests.store.counting import counted, fill

OWNER = ProcessId("h", "b", 1, 1)


def claimed(store: Store) -> Task | None:
    """Reserve the first task of the queue."""
    task = next(store.queue.ready(3), None)
    with store.transaction():
        assert task is None or store.intents.reserve("spawn", [task], OWNER, {}, max_attempts=3) is not None
    return task


def test_a_claim_reads_no_more_when_hundreds_of_tasks_are_open_or_wait_for_others(store: Store) -> None:
    few = fill(store, 20)
    with counted(store) as before:
        assert claimed(store) == store.tasks.get(few[0])
    fill(store, 300)
    waiting = fill(store, 300, priority=0)
    with store.transaction():
        for task in waiting:
            store.tasks.set_parents(task, [task - 1])
    first = waiting[0] - 1  # a task that an urgent one waits for
    assert claimed(store) == store.tasks.get(first)
    store.sql(f"UPDATE task SET priority = 3 WHERE id >= {waiting[0]}")
    with counted(store) as after:
        assert claimed(store) == store.tasks.get(few[1])
    assert before.statements == after.statements
    assert after.steps <= 1.1 * before.steps, (before.steps, after.steps)


def test_only_a_task_that_is_still_as_it_was_read_is_reserved(store: Store, add: Add) -> None:
    parent = add("parent", State.COMPLETED)
    changes = {
        "as it was": "UPDATE task SET title = title WHERE id = :task",
        "another version": "UPDATE task SET version = version + 1 WHERE id = :task",
        "not open": "UPDATE task SET state = 'FAILED' WHERE id = :task",
        "waits": "UPDATE task SET unresolved = 1 WHERE id = :task",
        "not yet": "UPDATE task SET not_before = 9e14 WHERE id = :task",
        "no attempts left": "UPDATE task SET attempt = 3 WHERE id = :task",
        "a parent was reverted": f"INSERT INTO task_dep VALUES (:task, {parent.id})",
        "reserved": """INSERT INTO intent (kind, task, data, host, boot_id, pid, pid_start, at)
            VALUES ('spawn', :task, '{}', 'h', 'b', 1, 1, 1)""",
    }
    store.tasks.put(parent.id, reverted_oid="a" * 40)
    got = []
    for name, change in changes.items():
        task = add(name)
        store.change(change, task=task.id)
        with store.transaction():
            if store.intents.reserve("spawn", [task], OWNER, {}, max_attempts=3) is not None:
                got.append(name)
    assert got == ["as it was"]


def test_the_first_of_several_that_is_still_as_it_was_read_is_reserved(store: Store) -> None:
    fill(store, 4)
    tasks = list(store.queue.ready())
    store.sql("UPDATE task SET version = version + 1 WHERE id IN (3, 4)")
    with store.transaction():
        got = store.intents.reserve("spawn", tasks[::-1], OWNER, {}, max_attempts=3)
    assert got is not None and got[0] == tasks[1]
    assert [(each.id, each.task) for each in store.intents.pending()] == [(got[1], 2)]


@pytest.mark.parametrize("seed", range(6))
def test_the_queue_is_ordered_by_what_is_urgent_and_by_age(store: Store, seed: int) -> None:
    choose = random.Random(seed)
    ids = fill(store, 60)
    states = [State.OPEN] * 6 + [State.COMPLETED, State.CANCELLED, State.FAILED]
    with store.transaction():
        for each in ids:
            store.change("UPDATE task SET state = :s WHERE id = :t", s=choose.choice(states), t=each)
            store.tasks.put(each, priority=choose.randrange(5))
            older = range(ids[0], each)
            store.tasks.set_parents(each, choose.sample(older, k=min(len(older), choose.choice([0, 0, 1, 2]))))
    tasks = {task.id: task for task in store.tasks.listing()}
    parents, urgency = store.tasks.parents(tasks), {number: task.priority for number, task in tasks.items()}

    def pass_on(number: int, priority: int) -> None:
        for parent in parents[number]:
            if tasks[parent].priority > priority:
                urgency[parent] = min(urgency[parent], priority)
                pass_on(parent, priority)

    for number, task in tasks.items():
        if task.unresolved and task.state not in FINISHED:
            pass_on(number, task.priority)
    ready = [n for n, task in tasks.items() if task.state is State.OPEN and not task.unresolved]
    expected = sorted(ready, key=lambda number: (urgency[number], number))
    assert expected and [task.id for task in store.queue.ready()] == expected
    assert [task.id for task in store.queue.in_order(tasks[n] for n in ready)] == expected


def test_sixteen_that_claim_at_once_get_each_of_200_tasks_exactly_once(directory: Path) -> None:
    code = """
    from itertools import islice
    from git_agent.domain.process_id import ProcessId
    store = Store.open(sys.argv[1], create=True)
    with store.transaction():
        for number in range(200):
            add(store, f"t{number}")
    store.close()

    def work(number):
        store, me, got = Store.open(sys.argv[1], create=False), ProcessId("h", "b", number + 1, 1), []
        while True:
            queue, free = store.queue.ready(3), False
            while few := list(islice(queue, 8)):
                free = True
                with store.transaction():
                    won = store.intents.reserve("spawn", few, me, {}, max_attempts=3)
                if won is not None:
                    got.append(won[0].id)
                    break
            if not free:
                return got

    say(json.dumps(at_once(16, work)))
    """
    shares = answer(code, directory)
    assert sorted(task for share in shares for task in share) == list(range(1, 201))
