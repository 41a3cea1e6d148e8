"""Run an agent for a task: here, with this terminal, or in the background."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from git_agent.actions.run import Begun, run
from git_agent.actions.settle import Settled, settle
from git_agent.app import App
from git_agent.domain.command import Command
from git_agent.domain.ending import Ended
from git_agent.domain.lease import RUN_BEATS
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.git.run import LOCAL_NAMES
from git_agent.proc import launch, logfile, processes, program, remains, terminal
from git_agent.proc.logfile import Logfile
from git_agent.runtime.channel import FromBeat, ToBeat
from git_agent.runtime.heartbeat import Heartbeat, Worker
from git_agent.runtime.signals import Signals
from git_agent.runtime.supervisor import Order, Streams, supervise
from git_agent.store import sessions

SHORTEST_BEAT_S = 0.05
_IDENTITY = ("GIT_AGENT_TASK", "GIT_AGENT_EPOCH", "GIT_AGENT_ACTOR", "GIT_AGENT_TOKEN", "GIT_AGENT_WORKTREE")


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended, and where its task went."""

    ended: Ended
    settled: Settled


def run_here(
    app: App, task: Task, chosen: Command, *, say: Callable[[str], None], report: int | None, as_json: bool
) -> Ran:
    """Supervise a command until it ends.

    say: takes a line for the person; report: an open file to tell that it runs, for one in the background; as_json:
    standard output is for the answer alone. Raises AgentError as `run` and `settle` do.
    """
    beat_s = max(SHORTEST_BEAT_S, app.config.seconds("agent.beat"))
    with Signals() as signals:
        begun = run(app, task, chosen, beat_s * RUN_BEATS)
        notes: list[str] = []
        with _log(app, begun) as log, _streams(begun, report, as_json) as streams:
            order = Order(
                words=begun.words,
                cwd=begun.task.worktree or "",
                env=_environment(app, begun),
                streams=streams,
                log=log,
                lead=lambda pid: _lead(app, begun, pid, report),
                beats=lambda to, come: _beats(app, begun, beat_s, to, come),
                clear=lambda: _clear(begun),
                say=_sayer(log, notes.append if streams.seated else say),
            )
            ended = supervise(order, signals)
        for note in notes:
            app.notice(note)
        if log.failed is not None:
            app.notice(f"the log is not whole: {log.failed.strerror}")
        return Ran(ended, settle(app, begun, ended))


def run_behind(app: App, task: Task, chosen: Command) -> int:
    """Have a command supervised in the background, and wait until it runs; return the supervisor's pid.

    Raises AgentError as run_here does before its command runs.
    """
    words = ["--", *chosen.words] if chosen.name is None else ["--agent", chosen.name]
    reader, writer = os.pipe()
    try:
        # In the git directory a person speaks, whoever's worktree we stand in; and not with our own worker's token.
        launch.detach(
            [program.own(), "run", str(task.id), "--prepared", "--report", str(writer), *words],
            cwd=app.repo.common_dir,
            env={k: v for k, v in app.env.items() if k not in LOCAL_NAMES and k not in _IDENTITY},
            keep=[writer],
        )
    finally:
        os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    if not text:
        says = f"the supervisor of {task.label} ended before its command ran"
        raise AgentError("not-started", says, f"git agent run {task.id}")
    answer = json.loads(text)
    if "pid" in answer:
        return int(answer["pid"])
    raise AgentError(answer["code"], answer["message"], answer["hint"], exit=Exit(answer["exit"]))


def tell(report: int, problem: AgentError) -> None:
    """Tell the one who waits in run_behind why nothing runs."""
    answer = {"code": problem.code, "message": problem.message, "hint": problem.hint, "exit": int(problem.exit)}
    _write(report, answer)


def _write(report: int, answer: object) -> None:
    os.write(report, json.dumps(answer).encode())
    os.close(report)


def _lead(app: App, begun: Begun, pid: int, report: int | None) -> None:
    leader = processes.describe(pid)
    assert leader is not None  # it waits behind its gate
    with app.store.transaction():
        sessions.lead(begun.session, leader)
    if report is not None:
        _write(report, {"pid": os.getpid()})


def _beats(app: App, begun: Begun, beat_s: float, to: ToBeat, come: FromBeat) -> Heartbeat:
    task, leader = begun.task, sessions.get(begun.session).child
    assert leader is not None
    worker = Worker(task.id, task.epoch, begun.session, task.worktree or "", begun.admin, leader, beat_s)
    return Heartbeat(app.store, worker, to, come)


def _clear(begun: Begun) -> None:
    remains.end(sessions.get(begun.session).child, begun.digest)


@contextmanager
def _log(app: App, begun: Begun) -> Iterator[Logfile]:
    directory = os.path.join(app.store_dir, "logs")
    logfile.prune(directory)
    log = Logfile(logfile.name(directory, begun.task.id, begun.task.attempt))
    try:
        yield log
    finally:
        log.close()


@contextmanager
def _streams(begun: Begun, report: int | None, as_json: bool) -> Iterator[Streams]:
    """A terminal in the background, or one that is read in somebody else's turn, is not ours to give away."""
    seated = report is None and not as_json and terminal.is_ours()
    given = begun.prompt if begun.reads else os.devnull if report is not None or _is_others(seated) else None
    stdin = 0 if given is None else os.open(given, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield Streams(stdin, None if report is not None else 2 if as_json else 1, None if report else 2, seated)
    finally:
        if stdin != 0:
            os.close(stdin)


def _is_others(seated: bool) -> bool:
    try:
        return not seated and os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp()
    except OSError:
        return True


def _environment(app: App, begun: Begun) -> dict[str, str]:
    task = begun.task
    own = (str(task.id), str(task.epoch), begun.actor, begun.token, task.worktree or "")
    kept = {name: value for name, value in app.env.items() if name not in LOCAL_NAMES}
    return {**kept, **dict(zip(_IDENTITY, own, strict=True))}


def _sayer(log: Logfile, say: Callable[[str], None]) -> Callable[[str], None]:
    """Where a person sits in front of a full screen a line is said afterwards; the log has it in its place."""

    def both(line: str) -> None:
        log.write(f"[git agent: {line}]\n".encode(errors="replace"))
        say(line)

    return both
