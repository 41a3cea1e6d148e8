"""Sessions: the incarnations of supervised workers. `git agent run` starts and ends one.

end_orphaned_sessions ends the sessions of dead supervisors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain.lease import SILENT_LEASES
from git_agent.domain.process_id import ProcessId
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import LeaseRow, SessionRow

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Session(NamedTuple):
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


_COLUMNS = (
    *(getattr(SessionRow, name) for name in ("id", "task", "attempt", "epoch", "child_pid", "child_start")),
    *(getattr(SessionRow, name) for name in ("token", "agent", "command", "stopped_by", "started_at")),
    peewee.fn.COALESCE(SessionRow.expires_at <= NOW_MS, 0),
    *(getattr(SessionRow, name) for name in ProcessId._fields),
)
_OPEN = SessionRow.ended_at.is_null()


# As text: peewee takes longer to build the query than SQLite to answer it from the index of open sessions.
_OWNERS = f"""
    SELECT id, COALESCE(expires_at <= {NOW_MS.sql}, 0), {", ".join(ProcessId._fields)}
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
        return int(
            self._store.run(
                SessionRow.insert(
                    task=task,
                    attempt=attempt,
                    epoch=epoch,
                    token=token,
                    agent=agent,
                    command=command,
                    started_at=NOW_MS,
                    expires_at=NOW_MS + int(SILENT_LEASES * lease_s * 1000),
                    **owner._asdict(),
                )
            )
        )

    def lead(self, session: int, child: ProcessId) -> None:
        """Record the leader of the session's process group. Call it before the leader runs the user's command."""
        self._store.run(
            SessionRow.update(child_pid=child.pid, child_start=child.pid_start).where(SessionRow.id == session)
        )

    def stop(self, session: int, by: str) -> None:
        """Record who asked the session to end."""
        self._store.run(SessionRow.update(stopped_by=by).where((SessionRow.id == session) & _OPEN))

    def end(self, session: int) -> bool:
        """Record that the session ended. Returns False when another process already recorded it."""
        return bool(self._store.run(SessionRow.update(ended_at=NOW_MS).where((SessionRow.id == session) & _OPEN)))

    def get(self, session: int) -> Session:
        """Return a session, ended or not."""
        return self._sessions(SessionRow.id == session)[0]

    def unended(self, task: int | None = None) -> list[Session]:
        """List the sessions that have not ended, oldest first.

        task: None for all tasks
        """
        return self._sessions(_OPEN if task is None else _OPEN & (SessionRow.task == task))

    def over(self, tasks: Iterable[int]) -> set[int]:
        """Return those of these tasks that were run, and whose sessions have all ended."""
        every, ended = peewee.fn.COUNT(SessionRow.id), peewee.fn.COUNT(SessionRow.ended_at)
        query = SessionRow.select(SessionRow.task).where(SessionRow.task.in_(list(tasks))).group_by(SessionRow.task)
        return {row[0] for row in self._store.tuples(query.having(every == ended))}

    def abandoned(self, ids: Iterable[int]) -> list[Session]:
        """List which of these sessions have not ended and hold no lease, or only an expired one."""
        holding = LeaseRow.select(LeaseRow.session).where(
            LeaseRow.session.is_null(False) & (LeaseRow.expires_at > NOW_MS)
        )
        return self._sessions(SessionRow.id.in_(list(ids)) & _OPEN & SessionRow.id.not_in(holding))

    def owners(self) -> list[tuple[int, bool, ProcessId]]:
        """List the sessions that have not ended: id, `over` as in Session, and supervisor.

        Cheap enough for every command.
        """
        return [(row[0], bool(row[1]), ProcessId(*row[2:])) for row in self._store.sql(_OWNERS)]

    def is_open(self, session: int) -> bool:
        """Return whether a session has not ended."""
        return bool(self._store.exists(SessionRow.select().where((SessionRow.id == session) & _OPEN)))

    def by_token(self, digest: str) -> Session | None:
        """Return the session, ended or not, whose token has this SHA-256."""
        return next(iter(self._sessions(SessionRow.token == digest)), None)

    def _sessions(self, where: Any) -> list[Session]:
        return [
            _session(row)
            for row in self._store.tuples(SessionRow.select(*_COLUMNS).where(where).order_by(SessionRow.id))
        ]


def _session(row: tuple[Any, ...]) -> Session:
    key, task, attempt, epoch, child_pid, child_start, token, agent, command, by, at, over, *process = row
    owner = ProcessId(*process)
    child = None if child_pid is None else owner._replace(pid=child_pid, pid_start=child_start)
    return Session(key, task, attempt or 0, epoch, owner, child, token or "", agent, command or "", by, at, bool(over))
