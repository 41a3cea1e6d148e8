"""Deliveries: what is open, in which order, until when; at a cost that does not grow with what is done."""

from __future__ import annotations

import time

from git_agent.domain.message import Draft
from git_agent.domain.task import Hold, State, Step, after
from git_agent.store.store import Store
from tests.store.conftest import Add


def send(store: Store, *drafts: Draft, sender: str = "@human") -> list[int]:
    with store.transaction():
        return store.messages.send(drafts, sender, verified=True)


def ids(store: Store, *recipients: str) -> list[int]:
    return [m.id for m in store.deliveries.waiting(recipients, 100)]


def test_urgent_messages_come_first_and_the_oldest_of_them(store: Store) -> None:
    send(store, Draft("7", "a"), Draft("7", "b", urgent=True), Draft("7", "c"), Draft("7", "d", urgent=True))
    send(store, Draft("8", "not yours"))
    assert ids(store, "7") == [2, 4, 1, 3]
    assert [m.id for m in store.deliveries.waiting(["7"], 2)] == [2, 4]


def test_a_message_to_several_is_one_with_a_delivery_for_each(store: Store) -> None:
    (sent,) = send(store, Draft("7", "a", others=("8", "@human", "8")))
    assert [m.to for m in store.messages.copies(sent)] == ["7", "8", "@human"]
    with store.transaction():
        assert store.deliveries.acknowledge([sent], ["7"]) == {sent}
        assert store.deliveries.acknowledge([sent], ["7"]) == set()
    assert (ids(store, "7"), ids(store, "8"), ids(store, "@human")) == ([], [sent], [sent])


def test_what_was_seen_is_open_and_due_again_after_a_while(store: Store) -> None:
    (sent,) = send(store, Draft("7", "a", needs_ack=True))
    assert store.deliveries.due(["7"]) and store.deliveries.calling(["7"]) == (1, 0)
    with store.transaction():
        store.deliveries.see([sent], ["7"])
    assert ids(store, "7") == [sent] and not store.deliveries.due(["7"]) and store.deliveries.calling(["7"]) == (0, 0)
    with store.transaction():
        store.sql("UPDATE delivery SET seen_at = seen_at - 301000")
    assert store.deliveries.due(["7"]) and store.deliveries.calling(["7"]) == (0, 1)
    with store.transaction():
        store.deliveries.see([sent], ["7"])
    assert not store.deliveries.due(["7"])
    with store.transaction():
        store.deliveries.acknowledge([sent], ["7"])
        store.sql("UPDATE delivery SET seen_at = 1")
    assert not store.deliveries.due(["7"]) and store.deliveries.calling(["7"]) == (0, 0)


def test_an_overdue_message_that_wants_no_acknowledgement_does_not_nag(store: Store) -> None:
    (sent,) = send(store, Draft("7", "a"))
    with store.transaction():
        store.deliveries.see([sent], ["7"])
        store.sql("UPDATE delivery SET seen_at = 1")
    assert store.deliveries.calling(["7"]) == (0, 0) and store.deliveries.due(["7"])


def test_what_a_change_announced_is_settled_when_the_task_moves_on(store: Store, add: Add) -> None:
    task = add("a", State.WORKING)
    asks = Draft("@human", "why?", task.id, until=Hold.NEEDS_INPUT)
    send(store, asks, Draft("@human", "by the way", task.id), sender=str(task.id))
    for step, expected in ((Step.ASK, [1, 2]), (Step.ANSWER, [2])):
        move = after(task.state, task.hold, step)
        assert move is not None
        with store.transaction():
            task = store.tasks.move(task, move, "Ada")
        assert ids(store, "@human") == expected


def test_nobody_is_asked_to_acknowledge_for_a_finished_task(store: Store, add: Add) -> None:
    live, done = add("live", State.WORKING), add("done", State.COMPLETED)
    send(store, *(Draft(str(t.id), "x", t.id, needs_ack=True) for t in (live, done)), Draft("@human", "no ack"))
    send(store, Draft("@human", "mine", needs_ack=True), sender=str(live.id))
    assert [m.to for m in store.deliveries.unacknowledged()] == [str(live.id), "@human"]
    assert [m.to for m in store.deliveries.unacknowledged(["@human"])] == [str(live.id)]


def test_many_recipients_are_counted_in_portions(store: Store) -> None:
    send(store, *(Draft(str(n), "x") for n in (1, 499, 500, 501, 1200)), Draft("1", "y"))
    assert store.deliveries.unread([str(n) for n in range(1300)]) == {"1": 2, "499": 1, "500": 1, "501": 1, "1200": 1}


def test_what_is_acknowledged_costs_nothing(store: Store) -> None:
    def asked() -> float:
        began = time.perf_counter()
        for _ in range(20):
            (
                store.deliveries.waiting(["7"], 100),
                store.deliveries.due(["7"]),
                store.deliveries.calling(["7"]),
                store.deliveries.unread(["7"]),
            )
            store.deliveries.unacknowledged(), store.messages.sent_lately("9", 60), store.deliveries.for_people()
        return time.perf_counter() - began

    send(store, Draft("7", "open", needs_ack=True))
    before = asked()
    with store.transaction():
        store.sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " INSERT INTO message (sender, task, urgent, needs_ack, body, verified, sent_at)"
            " SELECT '9', 7, 0, 1, 'x', 1, i FROM n"
        )
        store.sql("INSERT INTO delivery SELECT id, '7', 'acked', 1, 1 FROM message WHERE sender = '9'")
    assert len(store.deliveries.waiting(["7"], 100)) == 1
    assert asked() < 5 * before + 0.02


def test_the_rate_counts_the_last_minute_of_one_sender_and_no_future(store: Store) -> None:
    send(store, Draft("7", "a"), Draft("7", "b"), sender="3")
    send(store, Draft("7", "c"), sender="4")
    assert (
        store.messages.sent_lately("3", 10),
        store.messages.sent_lately("3", 1),
        store.messages.sent_lately("5", 10),
    ) == (2, 1, 0)
    moves = {"-61000": 0, "+3600000": 0}  # of a clock that was set back an hour since
    for change in moves:
        with store.transaction():
            store.sql(f"UPDATE message SET sent_at = sent_at {change}")
        assert store.messages.sent_lately("3", 10) == moves[change]


def test_a_log_has_what_was_said_about_a_task_from_it_and_to_it(store: Store) -> None:
    send(store, Draft("7", "to it", others=("8",)), Draft("@human", "about it", 7), Draft("9", "another"))
    send(store, Draft("9", "from it", 9), sender="7")
    assert {m.body for m in store.messages.of_task(7)} == {"to it", "about it", "from it"}
    assert [m.body for m in store.messages.of_task(7, limit=1)] == ["from it"]
