"""The JSON contract, schema 1. Keys may be added; changing or removing one needs a new schema number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.errors import AgentError, Exit
from git_agent.render.text import cut, rfc3339, visible

# Most verbs load this module, and each of them needs few of these: loading them all took a twentieth of `send`.
if TYPE_CHECKING:
    from git_agent.actions.removal.retire import Retired
    from git_agent.actions.views.history import LogEntry
    from git_agent.actions.views.notify import Notification
    from git_agent.actions.views.sessions import Running
    from git_agent.actions.views.task import TaskView
    from git_agent.domain.event import Event
    from git_agent.domain.message import Message
    from git_agent.domain.needs import Need
    from git_agent.domain.queue import Outcome

SCHEMA = 1
_LONGEST = 200  # columns of the text in a notification's line; the event has the whole text


def document(payload: Mapping[str, Any]) -> str:
    """Format one JSON object in ASCII, with the schema first."""
    return json.dumps({"schema": SCHEMA, **payload}, ensure_ascii=True)


def error_json(problem: AgentError) -> dict[str, Any]:
    """Return an error as JSON values."""
    found: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return {"error": found | ({"details": list(problem.details)} if problem.details else {})}


def task_json(viewed: TaskView) -> dict[str, Any]:
    """Return a task as JSON values (see docs/json.md)."""
    record, lease = viewed.task, viewed.lease
    plain = (
        "id",
        "name",
        "title",
        "body",
        "state",
        "hold",
        "priority",
        "base",
        "base_oid",
        "branch",
        "worktree",
    )
    oids = ("head_oid", "reviewed_oid", "merged_oid", "merged_by", "attempt", "epoch")
    return {
        **{name: getattr(record, name) for name in (*plain, *oids)},
        "depends_on": list(viewed.depends_on),
        "blocked_by": list(viewed.blocked_by),
        "paths": list(viewed.paths),
        "agent": record.agent,
        "worker": {
            "id": f"{record.id}.{record.attempt}" if lease else None,
            "host": lease.host if lease else None,
            "pid": lease.pid if lease else None,
            "liveness": viewed.liveness,
        },
        "stalled": viewed.stalled,
        "beat_age_s": _rounded(viewed.beat_age_s),
        "progress_age_s": _rounded(viewed.progress_age_s),
        "ahead": viewed.ahead,
        "behind": viewed.behind,
        "unread": viewed.unread,
        "reason": record.reason,
        "note": lease.note if lease else None,
        "reviewer": record.reviewer,
        "check": record.check_command,
        "reverted_oid": record.reverted_oid,
        "created_at": rfc3339(record.created_at),
        "state_at": rfc3339(record.state_at),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def event_json(happened: Event) -> dict[str, Any]:
    """Return an event as JSON values."""
    return {
        "seq": happened.seq,
        "at": rfc3339(happened.at),
        "kind": happened.kind,
        "task": happened.task,
        "actor": happened.actor,
        "from": happened.source,
        "to": happened.target,
        "epoch": happened.epoch,
        "data": dict(happened.data),
    }


def message_json(said: Message) -> dict[str, Any]:
    """Return a message as JSON values."""
    plain = ("id", "sender", "to", "task", "topic", "thread", "reply_to", "urgent", "needs_ack", "body")
    return {name: getattr(said, name) for name in plain} | {
        "sent_at": rfc3339(said.sent_at),
        "state": said.state,
        "verified": said.verified,
    }


def unacknowledged_json(said: Message) -> dict[str, Any]:
    """Return an unacknowledged message as JSON values, without its text."""
    sent = rfc3339(said.sent_at)
    return {"message": said.id, "sender": said.sender, "to": said.to, "sent_at": sent, "state": said.state}


def entry_json(line: LogEntry) -> dict[str, Any]:
    """Return a line of the log as JSON values: one of event, message, commit."""
    at = {"at": rfc3339(line.at)}
    if line.event is not None:
        return at | {"event": event_json(line.event)}
    if line.message is not None:
        return at | {"message": message_json(line.message)}
    assert line.commit is not None
    return at | {"commit": {"oid": line.commit.oid, "subject": line.commit.subject, "author": line.commit.author}}


def running_json(found: Running) -> dict[str, Any]:
    """Return a supervised command as JSON values."""
    session = found.session
    return {
        "task": session.task,
        "attempt": session.attempt,
        "agent": session.agent,
        "command": session.command,
        "host": session.owner.host,
        "pid": session.owner.pid,
        "child_pid": session.child.pid if session.child else None,
        "gone": found.gone,
        "superseded": found.superseded,
    }


def need_json(wanted: Need) -> dict[str, Any]:
    """Return what waits for a person as JSON values."""
    return {"task": wanted.task, "why": wanted.why, "since": rfc3339(wanted.since), "command": wanted.command}


def notification_json(call: Notification) -> dict[str, Any]:
    """Return the input of agent.notify as JSON values: a line of `watch --json`, and a text for a person."""
    from git_agent.render.lines import event_text

    words = (f"{call.task.label} ({visible(call.task.title)})", call.why, cut(event_text(call.event), _LONGEST))
    text = ": ".join(filter(None, words))
    line = {"at": rfc3339(call.event.at), "event": event_json(call.event)}
    return {**line, "why": call.why, "command": call.command, "text": text}


def notification_document(call: Notification) -> str:
    """Write what agent.notify reads on its standard input: one JSON object, one line."""
    return document(notification_json(call)) + "\n"


def outcomes_json(found: Sequence[Outcome], code: Exit) -> dict[str, Any]:
    """Describe what became of the tasks of a merge queue, with the error that the exit code is of.

    code: the exit code of the whole queue
    """
    worst = next((each for each in found if each.exit and each.exit == code), None)
    return {"results": [_outcome(each) for each in found]} | ({} if worst is None else error_json(_failure(worst)))


def _outcome(found: Outcome) -> dict[str, Any]:
    plain = {"task": found.task, "outcome": found.status, "why": found.why}
    return plain | {"hint": found.hint or None, "details": list(found.details), "log": found.log}


def _failure(found: Outcome) -> AgentError:
    code = found.code or found.status.replace("_", "-")
    return AgentError(code, f"task {found.task}: {found.why}", found.hint, exit=found.exit, details=found.details)


def retired_json(gone: Retired) -> dict[str, Any]:
    """Return what was removed and what was kept as JSON values."""
    return {
        "worktrees": list(gone.worktrees),
        "branches": list(gone.branches),
        "kept": list(gone.kept),
        "rescued": list(gone.rescued),
        "not_kept": list(gone.unkept),
    }
