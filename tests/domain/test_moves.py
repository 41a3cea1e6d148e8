"""The state machine against a table of its own: written from the rules, not from MOVES, so a changed row goes red."""

from __future__ import annotations

from itertools import product

import pytest

from git_agent.domain.task import (
    FINISHED,
    LIVE,
    MOVES,
    UNFINISHED,
    Hold,
    State,
    Step,
    after,
    done_already,
    event_kind,
)

STATES = ["OPEN", "ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED", "COMPLETED", "FAILED", "CANCELLED"]
HOLDS = [
    *("-", "needs_input", "conflict", "changes_requested", "check_failed", "no_commits", "no_changes", "uncommitted"),
    *("stopped", "budget", "agent_failed"),
]
STEPS = [
    *("add", "claim", "assign", "spawn", "start", "release", "ask", "answer", "done", "pushed", "ended", "stop"),
    *(
        "request-changes",
        "approve",
        "moved",
        "merge",
        "merged",
        "conflict",
        "check-failed",
        "reap",
        "exhaust",
        "reassign",
        "fail",
    ),
    *("retry", "cancel", "reopen", "undo"),
]

# from | with which hold (* any or none, + any, - none) | step -> to, hold afterwards
TABLE = """
    (none)    * add             -> OPEN      -
    OPEN      * claim           -> ASSIGNED  -
    OPEN      * assign          -> ASSIGNED  -
    OPEN      * spawn           -> ASSIGNED  -
    OPEN      * merged          -> COMPLETED -
    OPEN      * cancel          -> CANCELLED -
    ASSIGNED  * start           -> WORKING   -
    ASSIGNED  * release         -> OPEN      -
    ASSIGNED  * pushed          -> IN_REVIEW -
    ASSIGNED  * merged          -> COMPLETED -
    ASSIGNED  - reap            -> OPEN      -
    ASSIGNED  - exhaust         -> FAILED    -
    ASSIGNED  * reassign        -> ASSIGNED  -
    ASSIGNED  * fail            -> FAILED    -
    ASSIGNED  * cancel          -> CANCELLED -
    WORKING   + start           -> WORKING   -
    WORKING   * release         -> OPEN      -
    WORKING   * ask             -> WORKING   needs_input
    WORKING   needs_input answer -> WORKING  -
    WORKING   * done            -> IN_REVIEW -
    WORKING   * pushed          -> IN_REVIEW -
    WORKING   * merged          -> COMPLETED -
    WORKING   * ended           -> WORKING   no_commits
    WORKING   * stop            -> WORKING   stopped
    WORKING   - reap            -> OPEN      -
    WORKING   - exhaust         -> FAILED    -
    WORKING   * reassign        -> ASSIGNED  -
    WORKING   * fail            -> FAILED    -
    WORKING   * cancel          -> CANCELLED -
    IN_REVIEW * start           -> WORKING   -
    IN_REVIEW * request-changes -> WORKING   changes_requested
    IN_REVIEW * approve         -> APPROVED  -
    IN_REVIEW * merged          -> COMPLETED -
    IN_REVIEW * reassign        -> ASSIGNED  -
    IN_REVIEW * fail            -> FAILED    -
    IN_REVIEW * cancel          -> CANCELLED -
    APPROVED  * request-changes -> WORKING   changes_requested
    APPROVED  * moved           -> IN_REVIEW -
    APPROVED  * merge           -> COMPLETED -
    APPROVED  * merged          -> COMPLETED -
    APPROVED  * conflict        -> WORKING   conflict
    APPROVED  * check-failed    -> WORKING   check_failed
    APPROVED  * reassign        -> ASSIGNED  -
    APPROVED  * fail            -> FAILED    -
    APPROVED  * cancel          -> CANCELLED -
    COMPLETED * reopen          -> OPEN      -
    FAILED    * merged          -> COMPLETED -
    FAILED    * retry           -> OPEN      -
    FAILED    * cancel          -> CANCELLED -
    CANCELLED * reopen          -> OPEN      -
"""

# The one step that leads to several holds.
ENDINGS = {"no_commits", "no_changes", "uncommitted", "conflict"}

# The one step that leads to several states: where it goes back to, it was before.
BACK = {("COMPLETED", "APPROVED")} | {("CANCELLED", s) for s in STATES if s not in ("COMPLETED", "CANCELLED")}

# Where a step has nothing left to do. Reassign always starts a new attempt.
DONE_ALREADY = """
    OPEN -: add release reap retry reopen
    ASSIGNED -: claim assign spawn
    WORKING -: start answer
    WORKING needs_input: ask
    WORKING changes_requested: request-changes
    WORKING conflict: conflict ended
    WORKING check_failed: check-failed
    WORKING no_commits: ended
    WORKING no_changes: ended
    WORKING uncommitted: ended
    WORKING stopped: stop
    IN_REVIEW -: done pushed moved
    APPROVED -: approve
    COMPLETED -: merge merged
    FAILED -: exhaust fail
    CANCELLED -: cancel
"""

# Whoever worked before one of these is superseded.
FENCES = {"claim", "spawn", "assign", "reassign", "reap", "exhaust", "cancel", "reopen", "undo"}

KINDS = {
    "add": "added",
    "claim": "claimed",
    "assign": "assigned",
    "spawn": "spawned",
    "start": "started",
    "release": "released",
    "ask": "asked",
    "answer": "answered",
    "done": "done",
    "pushed": "pushed",
    "ended": "ended",
    "stop": "stopped",
    "request-changes": "changes-requested",
    "approve": "approved",
    "moved": "moved",
    "merge": "merged",
    "merged": "merged",
    "conflict": "conflicted",
    "check-failed": "check-failed",
    "reap": "reaped",
    "exhaust": "exhausted",
    "reassign": "reassigned",
    "fail": "failed",
    "retry": "retried",
    "cancel": "cancelled",
    "reopen": "reopened",
    "undo": "undone",
}


def _expected() -> dict[tuple[str, str, str], tuple[str, str]]:
    table: dict[tuple[str, str, str], tuple[str, str]] = {}
    for line in TABLE.strip().splitlines():
        source, wanted, step, _, target, hold = line.split()
        fitting = {"*": HOLDS, "+": HOLDS[1:]}.get(wanted, [wanted])
        for one in fitting:
            assert (source, one, step) not in table
            table[source, one, step] = (target, hold)
    return table


EXPECTED = _expected()


def _hold(word: str) -> Hold | None:
    return None if word == "-" else Hold(word)


def test_the_words_are_those_of_the_table() -> None:
    assert [str(s) for s in State] == STATES
    assert ["-", *map(str, Hold)] == HOLDS
    assert [str(s) for s in Step] == STEPS


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("source", ["(none)", *STATES])
def test_a_step_makes_exactly_the_moves_of_the_table(source: str, step: str) -> None:
    state = None if source == "(none)" else State(source)
    for hold in HOLDS:
        move = after(state, _hold(hold), Step(step))
        found = None if move is None else (str(move.target), str(move.hold or "-"))
        assert found == EXPECTED.get((source, hold, step)), hold


def test_undo_goes_back_to_what_was_and_nowhere_without_being_told_where() -> None:
    found = {(s, t) for s, t in product(STATES, STATES) if after(State(s), None, Step.UNDO, State(t))}
    assert found == BACK
    assert [s for s in [None, *State] if after(s, None, Step.UNDO)] == []


def test_ended_goes_to_the_hold_that_it_is_told_and_to_no_commits_by_itself() -> None:
    found = {hold: after(State.WORKING, None, Step.ENDED, into=hold) for hold in Hold}
    assert {str(hold) for hold, move in found.items() if move is not None and move.hold is hold} == ENDINGS
    assert {move.hold for move in found.values() if move is not None} == set(map(Hold, ENDINGS))


def test_no_situation_has_two_rows_for_one_step() -> None:
    # after() takes the first row that fits: a second one would be silently dead.
    for state, hold, step in product(State, HOLDS, set(Step) - {Step.UNDO, Step.ENDED}):
        fitting = [
            m
            for m in MOVES
            if m.step is step
            and state in m.sources
            and (m.held in (None, hold) or (m.held == "any" and hold != "-") or (m.held == "none" and hold == "-"))
        ]
        assert len(fitting) <= 1, (state, hold, step)


def test_every_row_can_be_reached() -> None:
    used = {id(after(state, _hold(hold), step)) for state, hold, step in product([None, *State], HOLDS, Step)}
    used |= {id(after(State(s), None, Step.UNDO, State(t))) for s, t in BACK}
    used |= {id(after(State.WORKING, None, Step.ENDED, into=Hold(hold))) for hold in ENDINGS}
    assert [m for m in MOVES if id(m) not in used] == []


def test_only_a_working_task_is_held() -> None:
    assert {m.target for m in MOVES if m.hold is not None} == {State.WORKING}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_fences_exactly_when_it_ends_somebody_elses_turn(step: str) -> None:
    assert {m.fences for m in MOVES if m.step == step} == {step in FENCES}


def test_a_step_that_is_done_already_is_known() -> None:
    table: dict[tuple[str, str], set[str]] = {}
    for line in DONE_ALREADY.strip().splitlines():
        where, _, steps = line.partition(":")
        state, hold = where.split()
        table[state, hold] = set(steps.split())
    for state, hold in product(STATES, HOLDS):
        found = {str(s) for s in Step if done_already(State(state), _hold(hold), s)}
        assert found == table.get((state, hold), set()), (state, hold)


def test_live_finished_and_unfinished_share_out_the_states() -> None:
    assert {"ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED"} == LIVE
    assert {"COMPLETED", "CANCELLED"} == FINISHED
    assert {"OPEN", "FAILED", *LIVE} == UNFINISHED


def test_a_task_in_review_is_never_reaped() -> None:
    reaped = {s for m in MOVES if m.step in (Step.REAP, Step.EXHAUST) for s in m.sources}
    assert reaped == {State.ASSIGNED, State.WORKING}


def test_every_state_can_be_left() -> None:
    assert {s for m in MOVES for s in m.sources} == set(State)


@pytest.mark.parametrize("step", STEPS)
def test_an_event_is_named_after_its_step(step: str) -> None:
    assert event_kind(Step(step)) == f"task.{KINDS[step]}"


def test_two_steps_share_an_event_only_when_they_say_the_same() -> None:
    # A merge by the tool and one by hand: both are `task.merged`, and the actor tells them apart.
    kinds = [event_kind(step) for step in Step if step is not Step.MERGED]
    assert len(set(kinds)) == len(kinds)
    assert event_kind(Step.MERGED) == event_kind(Step.MERGE)
