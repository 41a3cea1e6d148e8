"""Sessions: the incarnations of supervised workers. `git agent run` starts and ends one.

end_orphaned_sessions ends the sessions of dead supervisors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from git_agent.domain.lease import SILENT_LEASES
from git_agent.domain.process_id import ProcessId
from git_agent.record import Record
from git_agent.store import statements
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Session(Record):
    """One run of a command for a task.

    owner: the supervisor
    child: the leader of the command's process group, None before it starts
    token: the SHA-256, in hex, of the secret in the command's environment
    stopped_by: who asked the session to end, None if nobody did
    started_at: ms since the epoch
    over: the supervisor has been silent for two leases
    """

    id: int
    task: int
    attempt: int
    epoch: int
    owner: ProcessId
    child: ProcessId | None
    token: str
    agent: str | None
    command: str
    stopped_by: str | None
    started_at: int
    over: bool


_OWNERS = f"""
    SELECT id, COALESCE(expires_at <= {NOW}, 0), {", ".join(ProcessId._fields)}
    FROM session WHERE ended_at IS NULL
"""


class Sessions:
    """The sessions of supervised workers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self,
        *,
        task: int,
        attempt: int,
        epoch: int,
        owner: ProcessId,
        token: str,
        agent: str | None,
        command: str,
        lease_s: float,
    ) -> int:
        """Record the start of a session and return its id. Call it in the transaction that takes the lease.

        owner: the supervisor
        token: the SHA-256, in hex, of the secret in the command's environment
        agent: the configured name of the agent, None for a command line
        lease_s: seconds by which a beat renews its lease
        """
        ((key,),) = self._store.rows(
            statements.BEGIN_SESSION,
            task=task,
            attempt=attempt,
            epoch=epoch,
            token=token,
            agent=agent,
            command=command,
            silent_ms=int(SILENT_LEASES * lease_s * 1000),
            **owner._asdict(),
        )
        return int(key)

    def lead(self, session: int, child: ProcessId) -> None:
        """Record the leader of the session's process group. Call it before the leader runs the user's command."""
        leader = {"child_pid": child.pid, "child_start": child.pid_start}
        self._store.change(statements.LEAD_SESSION, session=session, **leader)

    def stop(self, session: int, by: str) -> None:
        """Record who asked the session to end."""
        self._store.change(statements.STOP_SESSION, session=session, stopped_by=by)

    def end(self, session: int) -> bool:
        """Record that the session ended. Returns False when another process already recorded it."""
        return bool(self._store.change(statements.END_SESSION, session=session))

    def get(self, session: int) -> Session:
        """Return a session, ended or not."""
        return self._sessions(statements.SESSION, session=session)[0]

    def unended(self, task: int | None = None) -> list[Session]:
        """List the sessions that have not ended, oldest first.

        task: None for all tasks
        """
        if task is None:
            return self._sessions(statements.UNENDED_SESSIONS)
        return self._sessions(statements.UNENDED_SESSIONS_OF_TASK, task=task)

    def over(self, tasks: Iterable[int]) -> set[int]:
        """Return those of these tasks that were run, and whose sessions have all ended."""
        return {row[0] for row in self._store.rows(statements.TASKS_WHOSE_SESSIONS_ENDED, tasks=list(tasks))}

    def abandoned(self, ids: Iterable[int]) -> list[Session]:
        """List which of these sessions have not ended and hold no lease, or only an expired one."""
        return self._sessions(statements.ABANDONED_SESSIONS, sessions=list(ids))

    def owners(self) -> list[tuple[int, bool, ProcessId]]:
        """List the sessions that have not ended: id, `over` as in Session, and supervisor.

        Cheap enough for every command.
        """
        return [(row[0], bool(row[1]), ProcessId(*row[2:])) for row in self._store.sql(_OWNERS)]

    def is_open(self, session: int) -> bool:
        """Return whether a session has not ended."""
        return bool(self._store.rows(statements.IS_SESSION_OPEN, session=session))

    def by_token(self, digest: str) -> Session | None:
        """Return the session, ended or not, whose token has this SHA-256."""
        return next(iter(self._sessions(statements.SESSION_BY_TOKEN, token=digest)), None)

    def _sessions(self, statement: str, **params: Any) -> list[Session]:
        return [_session(row) for row in self._store.rows(statement, **params)]


def _session(row: tuple[Any, ...]) -> Session:
    key, task, attempt, epoch, child_pid, child_start, token, agent, command, by, at, over, *process = row
    owner = ProcessId(*process)
    child = None if child_pid is None else owner._replace(pid=child_pid, pid_start=child_start)
    return Session(key, task, attempt or 0, epoch, owner, child, token or "", agent, command or "", by, at, bool(over))
