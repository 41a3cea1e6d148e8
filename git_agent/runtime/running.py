"""Run an agent for a task, in this terminal or in the background."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from git_agent.actions.running.finish import Finished, finish_session
from git_agent.actions.running.run import RunStarted, run
from git_agent.app import App
from git_agent.domain.advice import command_to_run
from git_agent.domain.command import Command, quote_command
from git_agent.domain.command_exit import CommandExit
from git_agent.domain.lease import RUN_BEATS
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.git.run import LOCAL_NAMES
from git_agent.proc import logfile, orphans, processes, program, programs, terminal
from git_agent.proc.environment import without_markers
from git_agent.proc.logfile import Logfile
from git_agent.record import Record
from git_agent.runtime.channel import FromBeat, ToBeat
from git_agent.runtime.heartbeat import Heartbeat, Worker
from git_agent.runtime.signals import Signals
from git_agent.runtime.supervisor import Order, Streams, supervise

SHORTEST_BEAT_S = 0.05
_IDENTITY = ("GIT_AGENT_TASK", "GIT_AGENT_EPOCH", "GIT_AGENT_ACTOR", "GIT_AGENT_TOKEN", "GIT_AGENT_WORKTREE")


class Ran(Record):
    """The exit of a command, and the resulting state of its task."""

    ended: CommandExit
    settled: Finished


class Report:
    """Tells run_behind, once, that the command runs or why it does not.

    fd: the open write end of run_behind's pipe
    """

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # run_behind waits until every process has closed it
        self._fd: int | None = fd

    def runs(self) -> None:
        """Report that the command runs."""
        self._tell({"pid": os.getpid()})

    def failed(self, problem: AgentError) -> None:
        """Report why the command does not run, unless it was reported as running."""
        exit = int(problem.exit)
        self._tell({"code": problem.code, "message": problem.message, "hint": problem.hint, "exit": exit})

    def _tell(self, answer: object) -> None:
        # Only once: afterwards the descriptor may belong to another file, even the store's.
        if self._fd is not None:
            os.write(self._fd, json.dumps(answer).encode())
            os.close(self._fd)
            self._fd = None


class _Run:
    """One session and its agent's process.

    leader: that process, once it is recorded
    """

    def __init__(self, app: App, begun: RunStarted, beat_s: float, report: Report | None) -> None:
        self.app = app
        self.begun = begun
        self.beat_s = beat_s
        self.report = report
        self.leader: ProcessId | None = None

    def lead(self, pid: int) -> None:
        """Record the agent's process, which waits behind its gate."""
        self.leader = processes.describe(pid)
        assert self.leader is not None
        with self.app.store.transaction():
            self.app.store.sessions.lead(self.begun.session, self.leader)
        if self.report is not None:
            self.report.runs()

    def beats(self, to: ToBeat, come: FromBeat) -> Heartbeat:
        """Create the beat thread."""
        assert self.leader is not None
        task, begun = self.begun.task, self.begun
        worker = Worker(task.id, task.epoch, begun.session, task.worktree or "", begun.admin, self.leader, self.beat_s)
        return Heartbeat(self.app.store, worker, to, come)

    def clear(self) -> None:
        """End the processes that the agent left running."""
        orphans.end_orphans(self.leader, self.begun.digest)


def run_here(
    app: App, task: Task, chosen: Command, *, say: Callable[[str], None], report: Report | None, as_json: bool
) -> Ran:
    """Supervise a command until it ends.

    chosen: the command
    say: shows a line to the person
    report: reports that a background command runs, None in the foreground
    as_json: reserve standard output for the answer
    Raises AgentError as `run` and `finish_session` do.
    """
    beat_s = max(SHORTEST_BEAT_S, app.config.seconds("agent.beat"))
    with Signals() as signals:
        begun = run(app, task, chosen, beat_s * RUN_BEATS)
        session, notes = _Run(app, begun, beat_s, report), list[str]()
        with _log(app, begun) as log, _streams(begun, report is not None, as_json, say) as streams:
            order = Order(
                words=begun.words,
                cwd=begun.task.worktree or "",
                env=_environment(app, begun),
                streams=streams,
                log=log,
                lead=session.lead,
                beats=session.beats,
                clear=session.clear,
                say=_sayer(log, notes.append if streams.seated else say),
            )
            ended = supervise(order, signals)
        for note in notes:
            app.notice(note)
        if log.failed is not None:
            app.notice(f"the log is incomplete: {log.failed.strerror}")
        return Ran(ended, finish_session(app, begun, ended))


def run_behind(app: App, task: Task, chosen: Command) -> int:
    """Supervise a command in the background. Waits until the command runs, and returns the supervisor's pid.

    Raises AgentError for the errors that run_here raises before its command runs.
    """
    reader, writer = os.pipe()
    try:
        # A process in the git directory, without a worker's token, acts for the person, even if we are in a worktree.
        programs.start_detached(
            words_for(task, chosen, ["--report", str(writer)]),
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
        raise AgentError("not-started", says, command_to_run(task.id, has_agent=chosen.name is not None))
    answer = json.loads(text)
    if "pid" in answer:
        return int(answer["pid"])
    raise AgentError(answer["code"], answer["message"], answer["hint"], exit=Exit(answer["exit"]))


def words_for(task: Task, chosen: Command, options: Sequence[str]) -> list[str]:
    """Return the command line that supervises a command for a task whose worktree is prepared.

    task: the task.
    chosen: the command.
    options: further options of `git agent run`.
    """
    words = ["--", *chosen.words] if chosen.name is None else ["--agent", chosen.name]
    return [program.own_path(), "run", str(task.id), "--prepared", *options, *words]


@contextmanager
def _log(app: App, begun: RunStarted) -> Iterator[Logfile]:
    directory = os.path.join(app.store_dir, "logs")
    logfile.prune_logs(directory)
    log = Logfile(logfile.attempt_log(directory, begun.task.id, begun.task.attempt))
    if log.size:  # the earlier output may end within a line
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(app.store.now() / 1000))
        log.write(f"\n[git agent: run again at {now}: {quote_command(begun.words)}]\n".encode(errors="replace"))
    try:
        yield log
    finally:
        log.close()


@contextmanager
def _streams(begun: RunStarted, behind: bool, as_json: bool, say: Callable[[str], None]) -> Iterator[Streams]:
    """Choose the agent's streams. It gets no terminal in the background, nor one whose foreground is another group."""
    wanted = not behind and not as_json and terminal.is_interactive()
    seated = wanted and terminal.can_be_had()
    if wanted and not seated:
        say("the agent runs without a terminal, because none can be had here: is /dev/pts mounted?")
    alone = behind or wanted != seated or _is_others(seated)
    given = begun.prompt if begun.reads else os.devnull if alone else None
    stdin = 0 if given is None else os.open(given, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield Streams(stdin, None if behind else 2 if as_json else 1, None if behind else 2, seated)
    finally:
        if stdin != 0:
            os.close(stdin)


def _is_others(seated: bool) -> bool:
    try:
        return not seated and os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp()
    except OSError:
        return True


def _environment(app: App, begun: RunStarted) -> dict[str, str]:
    task = begun.task
    own = (str(task.id), str(task.epoch), begun.actor, begun.token, task.worktree or "")
    kept = {name: value for name, value in app.env.items() if name not in LOCAL_NAMES}
    return {**without_markers(kept, app.config.several("agent.unsetEnv")), **dict(zip(_IDENTITY, own, strict=True))}


def _sayer(log: Logfile, say: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that writes a line to the log and passes it to say.

    For an agent with its own terminal, say collects the lines until it ends. The log has them in their place.
    """

    def both(line: str) -> None:
        log.write(f"[git agent: {line}]\n".encode(errors="replace"))
        say(line)

    return both
