"""Leases, intents, attempts, facts, messages and events: what each function of the store says of its rows."""

from __future__ import annotations

import time

import pytest

from git_agent.domain.lease import Lease
from git_agent.domain.message import Delivery, Draft
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State
from git_agent.errors import AgentError, Exit
from git_agent.store.sql import assigned
from git_agent.store.store import Store
from tests.store.conftest import Add

ME, OTHER = ProcessId("here", "boot", 42, 1000), ProcessId("here", "boot", 43, 1001)


def test_a_lease_by_hand_never_expires_and_a_claim_does(store: Store, add: Add) -> None:
    hand, claim = add("hand").id, add("claim").id
    with store.transaction():
        store.leases.take(hand, "hand", None)
        store.leases.take(claim, "claim", 60)
    found, now = store.leases.of([hand, claim, 99]), store.now()
    assert set(found) == {hand, claim}
    assert found[hand].expires_at is None
    assert abs((found[claim].expires_at or 0) - now - 60_000) < 5_000
    assert (found[claim].kind, found[claim].session, found[claim].pid) == ("claim", None, None)


def test_a_beat_renews_what_can_expire_and_progress_is_kept_apart(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.leases.take(task, "claim", 1)
    first = store.leases.of([task])[task]
    time.sleep(0.01)
    assert store.leases.beat(task, 60)
    beaten = store.leases.of([task])[task]
    assert beaten.beat_at > first.beat_at and beaten.progress_at == first.progress_at
    assert (beaten.expires_at or 0) > (first.expires_at or 0) + 50_000
    time.sleep(0.01)
    assert store.leases.beat(task, 60, note="half way", progress=True)
    moved = store.leases.of([task])[task]
    assert moved.note == "half way" and moved.progress_at > first.progress_at
    assert store.leases.beat(task, 60)
    assert store.leases.of([task])[task].note == "half way"  # a beat without a note keeps the last one


def test_a_beat_does_not_make_a_lease_by_hand_expire(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.leases.take(task, "hand", None)
    assert store.leases.beat(task, 60)
    assert store.leases.of([task])[task].expires_at is None


def test_a_beat_without_a_lease_says_so_and_makes_none(store: Store, add: Add) -> None:
    task = add("a").id
    assert not store.leases.beat(task, 60)
    with store.transaction():
        store.leases.take(task, "hand", None)
        store.leases.drop(task)
    assert store.leases.of([task]) == {} and not store.leases.beat(task, 60)


def test_taking_a_lease_again_replaces_it(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.leases.take(task, "claim", 60)
        store.leases.beat(task, 60, note="old")
        store.leases.take(task, "hand", None)
    lease = store.leases.of([task])[task]
    assert (lease.kind, lease.expires_at, lease.note) == ("hand", None, None)


def test_the_process_behind_a_lease_is_known(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        owner = ProcessId("here", "boot", 42, 1000)
        session = store.sessions.begin(
            task=task, attempt=1, epoch=1, owner=owner, token="", agent=None, command="", lease_s=60
        )
        store.leases.take(task, "run", 120)
        store.sql("UPDATE lease SET session = ?", (session,))
    assert (store.leases.of([task])[task].host, store.leases.of([task])[task].pid) == ("here", 42)


def test_a_task_has_one_intent_at_a_time_and_the_other_command_is_named(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        first = store.intents.write("merge", task, ME, {"new": "abc"})
    with pytest.raises(AgentError) as caught, store.transaction():
        store.intents.write("remove", task, OTHER, {})
    assert (caught.value.code, caught.value.exit) == ("under-way", Exit.BUSY)
    assert "merge by pid 42 on here" in caught.value.message
    found = store.intents.of_task(task)
    assert found and (found.id, found.kind, found.owner, dict(found.data)) == (first, "merge", ME, {"new": "abc"})
    with store.transaction():
        store.intents.end(first)
        store.intents.write("remove", task, OTHER, {})
    assert [i.kind for i in store.intents.pending()] == ["remove"]


def test_an_intent_is_adopted_once(store: Store, add: Add) -> None:
    with store.transaction():
        number = store.intents.write("spawn", add("a").id, ME, {})
    (seen,) = store.intents.pending()
    assert store.intents.adopt(seen, OTHER)
    assert not store.intents.adopt(seen, ProcessId("here", "boot", 44, 1002))
    assert store.intents.pending()[0].owner == OTHER and store.intents.pending()[0].id == number


def test_an_intent_is_adopted_once_even_by_a_process_with_the_dead_ones_pid(store: Store, add: Add) -> None:
    with store.transaction():
        store.intents.write("spawn", add("a").id, ME, {})
    (seen,) = store.intents.pending()
    reborn = ProcessId(ME.host, ME.boot_id, ME.pid, ME.pid_start + 5)
    assert store.intents.adopt(seen, reborn)
    assert not store.intents.adopt(seen, OTHER)
    assert store.intents.pending()[0].owner == reborn


def test_an_intents_data_is_replaced(store: Store, add: Add) -> None:
    with store.transaction():
        number = store.intents.write("spawn", add("a").id, ME, {"new": True})
        store.intents.update(number, {"new": True, "place": {"worktree": "/w/é"}})
    assert dict(store.intents.pending()[0].data) == {"new": True, "place": {"worktree": "/w/é"}}


def test_an_attempt_is_found_by_its_worktree_its_branch_and_its_number(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.attempts.add(task, 1, 3, "agent/1-a", "o" * 40, adopted=False)
        store.attempts.place(task, 1, "/w/1-a", "1-a")
        store.attempts.add(task, 2, 4, "agent/1-a.a2", "o" * 40, adopted=True)
    first = store.attempts.find(task, 1)
    assert first is not None and (first.epoch, first.worktree, first.admin) == (3, "/w/1-a", "1-a")
    assert store.attempts.by_admin("1-a") == first == store.attempts.by_branch("agent/1-a")
    assert [a.number for a in store.attempts.present(task)] == [1, 2]
    with store.transaction():
        store.attempts.remove(task, 1)
    assert store.attempts.by_admin("1-a") is None
    assert [a.number for a in store.attempts.present(task)] == [2]
    gone = store.attempts.find(task, 1)
    assert gone is not None and (gone.removed, gone.worktree, gone.branch) == (1, None, "agent/1-a")


def test_an_attempt_that_was_taken_back_can_be_made_again(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.attempts.add(task, 1, 1, "agent/1-a", "o" * 40, adopted=False)
        store.attempts.add(task, 1, 2, "agent/1-b", "p" * 40, adopted=False)
    (attempt,) = store.attempts.present(task)
    assert (attempt.epoch, attempt.branch) == (2, "agent/1-b")


def test_a_fact_is_kept_and_replaced(store: Store) -> None:
    assert store.meta.get("trusted") is None
    with store.transaction():
        store.meta.put("trusted", "abc")
        store.meta.put("trusted", "def")
    assert store.meta.get("trusted") == "def"


def test_a_message_reaches_its_recipient_and_a_reply_joins_its_thread(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        (first,) = store.messages.send(
            [Draft(str(task), "Look\x1b[31m at %s", task, urgent=True)], "@human", verified=True
        )
        (reply,) = store.messages.send([Draft("@human", "Done", task, reply_to=first)], str(task), verified=False)
    one, two = store.messages.of_task(task)
    assert (one.id, one.to, one.body, one.urgent, one.verified) == (first, str(task), "Look\x1b[31m at %s", True, True)
    assert (one.thread, two.thread, two.reply_to, two.state) == (first, first, first, Delivery.NEW)
    assert store.messages.last_question(task) is None
    assert store.deliveries.unread([str(task), "@human", "99"]) == {str(task): 1, "@human": 1}
    assert store.messages.of_task(task, since_ms=two.sent_at + 1) == []
    assert [m.id for m in store.messages.of_task(task, limit=1)] == [reply]


def test_an_acknowledged_message_is_no_longer_unread(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.messages.send([Draft("@human", "a", task), Draft("@human", "b", task)], "1", verified=True)
        store.sql("UPDATE delivery SET state = 'seen' WHERE message = 1")
    assert store.deliveries.unread(["@human"]) == {"@human": 2}
    with store.transaction():
        store.sql("UPDATE delivery SET state = 'acked' WHERE message = 1")
    assert store.deliveries.unread(["@human"]) == {"@human": 1}


def test_events_are_listed_newest_but_oldest_first(store: Store) -> None:
    with store.transaction():
        numbers = [store.events.append("task.noted", "Ada", task=n % 2, data={"é": n}) for n in range(10)]
    assert [e.seq for e in store.events.of_task(None)] == numbers
    assert [e.seq for e in store.events.of_task(None, limit=3)] == numbers[-3:]
    assert [e.seq for e in store.events.of_task(1, after=numbers[4])] == numbers[5::2]
    assert [dict(e.data) for e in store.events.of_task(0, limit=1)] == [{"é": 8}]
    assert store.events.of_task(None, since_ms=store.now() + 60_000) == []


def test_the_last_change_is_no_mere_note(store: Store, add: Add) -> None:
    task = add("a").id
    with store.transaction():
        store.events.append("task.added", "Ada", task=task, target=State.OPEN, version=0)
        store.events.append("task.noted", "Bob", task=task)
    last = store.events.last_change(task)
    assert last is not None and last.actor == "Ada"
    assert store.events.last_change(99) is None
    assert [e.kind for e in store.events.changes_since(0)] == ["task.added"]
    assert store.tasks.get(task).state is State.OPEN


def _lease(store: Store, task: int) -> Lease:
    return store.leases.of([task])[task]


@pytest.mark.parametrize("kind", ["claim", "run"])
def test_every_beat_and_every_new_lease_forgets_that_a_worker_was_missed(store: Store, add: Add, kind: str) -> None:
    task = add("fix", State.WORKING).id
    for again in (lambda: store.leases.beat(task, 60), lambda: store.leases.take(task, kind, 60)):
        with store.transaction():
            store.leases.take(task, kind, 0)
            store.stale.note(_lease(store, task))
        assert _lease(store, task).missed_at is not None
        with store.transaction():
            again()
        assert _lease(store, task).missed_at is None and not store.stale.overdue()


def test_who_beat_meanwhile_is_not_noted_as_missed(store: Store, add: Add) -> None:
    task = add("fix", State.WORKING).id
    with store.transaction():
        store.leases.take(task, "claim", 0)
        before = _lease(store, task)._replace(beat_at=1)
        store.stale.note(before)
    assert _lease(store, task).missed_at is None and not store.stale.unchanged(before)


def test_a_sign_of_work_renews_a_claim_and_is_mere_progress_under_supervision(store: Store, add: Add) -> None:
    now = store.now()
    for kind, renewed in (("claim", True), ("run", False)):
        task = add(kind, State.WORKING).id
        with store.transaction():
            store.leases.take(task, kind, 0)
            old = {"beat_at": 1, "progress_at": 1, "expires_at": 1, "missed_at": 1}
            store.change(f"UPDATE lease SET {assigned(old)} WHERE task = :task", **old, task=task)
            store.leases.heard(task, now - 5000, 60)
        found = _lease(store, task)
        assert found.progress_at == now - 5000
        assert (found.beat_at, found.expires_at) == ((now - 5000, now + 55_000) if renewed else (1, 1))
        assert (found.missed_at is None) is renewed


def test_progress_is_no_beat(store: Store, add: Add) -> None:
    task, now = add("fix", State.WORKING).id, store.now()
    with store.transaction():
        store.leases.take(task, "claim", 60)
        store.sql("UPDATE lease SET beat_at = 1, progress_at = 1")
        store.leases.progress(task)
    assert _lease(store, task).beat_at == 1 and _lease(store, task).progress_at >= now


def test_a_glance_counts_who_is_overdue_and_who_can_be(store: Store, add: Add) -> None:
    assert store.stale.glance("box")[1:] == (0, 0, None, None, None, 0)
    with store.transaction():
        for name, kind, lease_s in (("a", "hand", None), ("b", "claim", 60), ("c", "claim", 0), ("d", "run", 0)):
            store.leases.take(add(name, State.WORKING).id, kind, lease_s)
        store.sessions.begin(
            task=1,
            attempt=1,
            epoch=1,
            owner=ProcessId("box", "boot", 1, 1),
            token="t",
            agent=None,
            command="",
            lease_s=60,
        )
        store.meta.put("clocks:box", "seen")
    seen = store.stale.glance("box")
    assert (seen.expirable, seen.overdue, seen.clocks, seen.crowd, seen.supervised) == (3, 2, "seen", None, 1)
    assert sorted(store.stale.overdue()) == [3, 4]


def test_who_waits_or_is_in_review_is_not_overdue(store: Store, add: Add) -> None:
    with store.transaction():
        for name, state, hold in (
            *(("a", State.IN_REVIEW, None), ("b", State.APPROVED, None), ("c", State.WORKING, "needs_input")),
            ("d", State.ASSIGNED, None),
        ):
            store.leases.take(add(name, state, hold=hold).id, "claim", 0)
        store.sql("UPDATE lease SET progress_at = 1")
    assert list(store.stale.overdue()) == [4]
    assert list(store.stale.quiet(2, 10)) == [4]
