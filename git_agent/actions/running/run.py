"""Start to supervise a task, which becomes WORKING and gets a session, a lease and a token for its command."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shlex
import shutil
import time
from collections.abc import Sequence

from git_agent.actions.lookup import find
from git_agent.actions.running.news import news
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain import command, names
from git_agent.domain.command import Command, quote_command
from git_agent.domain.gates import no_worktree_error
from git_agent.domain.task import Step, Task
from git_agent.errors import AgentError, refused, usage
from git_agent.files import replace_file
from git_agent.git.errors import explain_system_errors
from git_agent.proc import orphans, processes
from git_agent.record import Record
from git_agent.store.sessions import Session

_LEFT_S = 60.0


class RunStarted(Record):
    """A session that has started.

    task: the task, now WORKING.
    session: the number of the session.
    words: the command.
    agent: the name of the agent; None for a command from the command line.
    prompt: the file with the task's prompt; None if the command needs none.
    reads: that file is the command's standard input.
    token: the secret that proves the identity of the command.
    admin: the worktree's git directory.
    tip: where its branch is, a full oid; None if git can't tell.
    """

    task: Task
    session: int
    words: tuple[str, ...]
    agent: str | None
    prompt: str | None
    reads: bool
    token: str
    admin: str
    tip: str | None

    @property
    def digest(self) -> str:
        """Return the hash of the token, which is all that the store keeps of it."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    @property
    def actor(self) -> str:
        """Return the worker's name in events: `worker 7.1`, with the agent's name instead of `worker` if it has one."""
        return f"{self.agent or 'worker'} {self.task.id}.{self.task.attempt}"


def run(app: App, task: Task, chosen: Command, lease_s: float) -> RunStarted:
    """Start a session for a task that is ASSIGNED or WORKING, which ends its hold.

    Processes that a dead supervisor of the task left behind are ended first.
    chosen: the command to run.
    lease_s: seconds without a heartbeat after which the lease expires.
    Raises AgentError: exit 3 when the task already runs or has no worktree, and as transition does.
    """
    owner, token, attempt = processes.myself(), secrets.token_hex(32), app.store.attempts.find(task.id, task.attempt)
    if attempt is None or attempt.admin is None:
        raise no_worktree_error(task)
    for left in app.store.sessions.unended(task.id):
        _bury(app, left)
    told = news(app, task) if chosen.tells_news else ""
    file = _write_prompt(app, task, told) if chosen.needs_file else None
    admin = app.repo.admin_dir(attempt.admin)
    words = chosen.expand(task, file or "", told, (admin, app.repo.common_dir))
    _check_program(task, words[0])
    digest = hashlib.sha256(token.encode()).hexdigest()
    with app.store.transaction():
        for other in app.store.sessions.unended(task.id):
            if other.epoch == task.epoch:  # a superseded one stays in its own worktree, and can't hand in
                raise _run_already(task, other)
        started = transition(app, task, Step.START).task
        session = app.store.sessions.begin(
            task=task.id,
            attempt=started.attempt,
            epoch=started.epoch,
            owner=owner,
            token=digest,
            agent=chosen.name,
            command=quote_command(words),
            lease_s=lease_s,
        )
        app.store.leases.take(task.id, "run", lease_s, session)
        data = {"text": quote_command(words), "session": session, "pid": owner.pid, "host": owner.host}
        app.store.events.append("task.session-began", app.speaker.actor, task=task.id, epoch=started.epoch, data=data)
    tip = app.sighted_heads.get(started.branch or "")
    return RunStarted(started, session, words, chosen.name, file, chosen.reads_file, token, admin, tip)


def _bury(app: App, left: Session) -> None:
    """End the processes and the session that a dead supervisor left behind.

    Nothing else would end them, and the next command works in the same worktree. A supervisor that can't be checked is
    left to reconciling, which knows whether the host slept.
    """
    if app.is_gone(left.owner):
        orphans.end_orphans(left.child, left.token)
        app.store.sessions.end(left.id)


def _check_program(task: Task, name: str) -> None:
    path = os.path.join(task.worktree or "", name)
    if os.sep in name and not (os.path.isfile(path) and os.access(path, os.X_OK)):
        says = f"'{name}' is not an executable program in the worktree of {task.label}"
        raise AgentError("no-program", says, f"ls -l {shlex.quote(path)}")


def _run_already(task: Task, other: Session) -> AgentError:
    says = f"{task.label} is already run by {processes.named(other.owner)}"
    return refused("already-run", says, f"git agent logs {task.id} -f, or git agent stop {task.id}")


@explain_system_errors()
def _write_prompt(app: App, task: Task, told: str) -> str:
    directory = os.path.join(app.store_dir, "prompts")
    os.makedirs(directory, mode=0o700, exist_ok=True)
    _clear_prompts(app, directory)
    path = os.path.join(directory, f"{task.id}.{task.attempt}.md")
    replace_file(path, f"{command.prompt(task, told)}\n".encode(), 0o600)
    return path


def _clear_prompts(app: App, directory: str) -> None:
    """Delete the prompt files that killed supervisors left behind.

    A recent file stays: it may belong to a supervisor that is starting and has no session yet.
    """
    wanted = {f"{s.task}.{s.attempt}.md" for s in app.store.sessions.unended()}
    for name in set(os.listdir(directory)) - wanted:
        path = os.path.join(directory, name)
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.stat(path).st_mtime > _LEFT_S:
                os.unlink(path)


def choose(app: App, ref: str | None, agent: str | None, words: Sequence[str], *, fresh: bool) -> tuple[Task, Command]:
    """Acquire the task to work on and choose its command.

    The command is chosen first, so that no task leaves the queue for a command that cannot run.

    ref: the task as typed; None for the worktree's task or, outside a worker's worktree, the next task of the queue.
    agent: the agent named on the command line.
    words: the command given on the command line.
    fresh: start a new attempt from the base.
    Raises AgentError as choose_agent and acquire do.
    """
    # Imported only here: a supervisor runs for hours and needs none of the code that creates worktrees.
    from git_agent.actions.attempts.claim import acquire

    named = find(app, ref) if ref is not None or app.worker_of is not None else None
    chosen = choose_agent(app, named or next(app.store.queue.ready(), None), agent, words)
    found = acquire(app, named, agent=agent, fresh=fresh)
    return found, chosen if named or words or agent else choose_agent(app, found, None, ())


def choose_agent(app: App, task: Task | None, agent: str | None, words: Sequence[str]) -> Command:
    """Choose the command: the typed one, else that of --agent, of the task's agent, or of agent.defaultAgent.

    task: the task to run; None if it is not known yet.
    agent: the value of --agent.
    words: the command given on the command line.
    A program with a relative path is checked later, in the worktree.
    Raises AgentError: exit 2 when no command is given or configured, exit 1 when its program is not there.
    """
    if words:
        return _found(app, Command(tuple(words)))
    name = (
        names.check_line(agent or "", "agent")
        or (task.agent if task else None)
        or app.config.text("agent.defaultAgent")
    )
    if not name:
        hint = f"git agent run {task.id if task else 'TASK'} -- COMMAND, or git config agent.defaultAgent NAME"
        raise usage("no-command", "no command is given, and no agent is configured", hint)
    key, text = f"agent.run.{name}", app.config.agent(name)
    if text is None:
        trust = f"agent.run.{name.lower()}" in (key.lower() for key in app.config.untrusted)
        hint = "git agent trust" if trust else f"git config {shlex.quote(key)} 'COMMAND', or --agent NAME"
        says = f"{key} is not trusted" if trust else f"the agent '{name}' has no command ({key})"
        raise usage("no-command", says, hint)
    chosen = command.parse_command(name, text)
    return _found(app, chosen._replace(words=tuple(map(_expanded, chosen.words))))


def _expanded(word: str) -> str:
    """Expand `~/bin/x` in a configured command as a shell does."""
    return os.path.expanduser(word) if word.startswith("~") and not any(map(str.isspace, word)) else word


def _found(app: App, chosen: Command) -> Command:
    program = chosen.program
    if command.is_assignment(program):
        says = f"'{program}' is not a program: no shell reads this command, so it can't set a variable"
        raise AgentError("no-program", says, f"begin it with env: env {quote_command(chosen.words)}")
    if os.path.isabs(program) and not (os.path.isfile(program) and os.access(program, os.X_OK)):
        says = f"'{program}' is not an executable program"
        raise AgentError("no-program", says, f"ls -l {shlex.quote(program)}")
    if os.sep not in program and shutil.which(program, path=app.env.get("PATH")) is None:
        raise AgentError("no-program", f"'{program}' was not found on PATH", f"install it, or give its path: {program}")
    return chosen
