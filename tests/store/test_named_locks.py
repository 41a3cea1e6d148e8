"""Named locks: one holder, a fence that only grows, and nothing done by who lost it."""

from __future__ import annotations

import pytest

from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError
from git_agent.store.store import Store
from tests.store.children import answer

ONE, TWO = ProcessId("box", "boot", 11, 1), ProcessId("box", "boot", 22, 2)


def lives(owner: ProcessId) -> bool:
    return False


def take(store: Store, owner: ProcessId, gone: object = lives, limit_s: float = 300) -> int | None:
    with store.transaction():
        return store.locks.take("merge", owner, gone, limit_s)  # type: ignore[arg-type]


def require(store: Store, fence: int) -> None:
    with store.transaction():
        store.locks.require("merge", fence)


def age(store: Store, seconds: int) -> None:
    store.sql("UPDATE lock SET taken_at = taken_at - ?", (seconds * 1000,))


def test_one_process_at_a_time_has_it(store: Store) -> None:
    assert take(store, ONE) == 1
    assert take(store, TWO) is None
    assert take(store, ONE) is None  # not twice by one process, either
    require(store, 1)
    assert store.locks.release("merge", 1)
    assert take(store, TWO) == 2


def test_locks_of_other_names_are_others(store: Store) -> None:
    assert take(store, ONE) == 1
    with store.transaction():
        assert store.locks.take("reap", TWO, lives, 300) == 1


def test_a_dead_holders_lock_is_taken_over_and_its_fence_is_not_current_any_more(store: Store) -> None:
    assert take(store, ONE) == 1
    assert take(store, TWO, gone=lambda owner: owner == ONE) == 2
    require(store, 2)
    with pytest.raises(AgentError) as caught:
        require(store, 1)
    assert caught.value.code == "lock-lost" and caught.value.hint
    assert not store.locks.release("merge", 1)  # and does not free it for its successor
    assert take(store, ONE) is None


def test_who_was_stopped_for_long_loses_it(store: Store) -> None:
    assert take(store, ONE) == 1
    age(store, 299)
    assert take(store, TWO) is None
    age(store, 1)
    assert take(store, TWO) == 2


def test_a_lock_taken_in_the_future_was_taken_before_the_clock_was_set_back(store: Store) -> None:
    assert take(store, ONE) == 1
    age(store, -86_400)
    assert take(store, TWO) == 2


def test_a_lock_that_nobody_took_is_nobodys(store: Store) -> None:
    with pytest.raises(AgentError):
        require(store, 1)
    assert not store.locks.release("merge", 1)


def test_a_free_lock_can_not_be_required(store: Store) -> None:
    assert take(store, ONE) == 1
    assert store.locks.release("merge", 1)
    with pytest.raises(AgentError):
        require(store, 1)


def test_of_many_that_take_it_at_once_one_has_it_and_the_fences_are_in_order(store: Store) -> None:
    code = """
    from git_agent.proc import processes
    from git_agent.store import locks

    def work(number):
        store, fences = Store.open(sys.argv[1], create=False), []
        while len(fences) < 5:
            with store.transaction():
                fence = store.locks.take("merge", processes.myself(), processes.is_gone, 300)
            if fence is not None:
                with store.transaction():
                    store.locks.require("merge", fence)
                fences.append(fence)
                assert store.locks.release("merge", fence)
        return fences

    say(json.dumps(at_once(8, work)))
    """
    fences = answer(code, store.path.removesuffix("/agent.db"))
    assert all(isinstance(each, list) for each in fences), fences
    assert sorted(fence for each in fences for fence in each) == list(range(1, 41))
