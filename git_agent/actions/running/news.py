"""What happened since the last run of a task: for the prompt of the next one, whose agent remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from git_agent.actions.worktrees import files_left, uncommitted
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.message import Delivery, Message
from git_agent.domain.task import Step, Task, event_kind

_MESSAGES, _CHARACTERS, _BYTES, _FILES = 20, 4000, 48 * 1024, 20
_ENDS = (Step.FAIL, Step.REAP, Step.EXHAUST, Step.RELEASE, Step.REASSIGN)


def news(app: App, task: Task) -> str:
    """Say why a task was sent back or held, what was written to its worker, and which files are not committed.

    task: as it was before the run starts.
    Returns "" for the first run, and if there is nothing to say. At most 48 KB, because Linux limits a word of a
    command line to 128 KB.
    """
    began = _latest(app, task, "task.session-began")
    if began is None and task.attempt < 2 and task.hold is None and task.resumed_oid is None:
        return ""
    found = list(_found(app, task, began))
    text = "\n".join(["What happened since the last run (lines that begin with `| ` were written by others):", *found])
    whole = text.replace("\0", "\ufffd").encode(errors="replace")
    if len(whole) > _BYTES:
        return f"{whole[:_BYTES].decode(errors='ignore')}\n(cut; git agent log {task.id} shows all of it)"
    return whole.decode() if found else ""


def _found(app: App, task: Task, began: Event | None) -> Iterator[str]:
    messages = _messages(app, task)
    yield from _why(app, task, began, [message.body for message in messages])
    asked = {m.id: m for m in app.store.messages.of_task(task.id) if m.sender == str(task.id)}
    for message in messages[-_MESSAGES:]:
        if message.reply_to in asked:
            yield f"- the question that was asked (message {message.reply_to}):"
            yield from _quoted(asked[message.reply_to].body)
        yield f"- message {message.id} from {_line(message.sender)}:"
        yield from _quoted(message.body)
    if files := uncommitted(app, task.worktree or ""):
        yield f"- files in this worktree that are not committed: {_several(files)}"
    for left in files_left(app, task):
        yield f"- attempt {left.attempt} left files that are not committed in {left.worktree}: {_several(left.files)}"


def _messages(app: App, task: Task) -> list[Message]:
    """List the messages to the worker that are not acknowledged or came after the work was last handed in."""
    handed = [_latest(app, task, event_kind(step)) for step in (Step.DONE, Step.PUSHED)]
    since = max((event.at for event in handed if event is not None), default=0)
    received = [message for message in app.store.messages.of_task(task.id) if message.to == str(task.id)]
    return [m for m in received if m.sent_at >= since or m.state is not Delivery.ACKED]


def _why(app: App, task: Task, began: Event | None, told: Sequence[str]) -> Iterator[str]:
    if task.hold is not None and task.reason and task.reason not in told:
        yield f"- why the task was held ({task.hold}):"
        yield from _quoted(task.reason)
    if task.attempt < 2 or (began is not None and began.epoch == task.epoch):
        return
    ends = [_latest(app, task, event_kind(step)) for step in _ENDS]
    last = max((event for event in ends if event is not None), key=lambda event: event.seq, default=None)
    if last is not None:
        yield f"- how the attempt before ended ({last.kind.removeprefix('task.')}):"
        yield from _quoted(str(last.data.get("reason") or last.data.get("text") or f"by {last.actor}"))


def _latest(app: App, task: Task, kind: str) -> Event | None:
    return app.store.events.latest(kind, [task.id]).get(task.id)


def _quoted(text: str) -> Iterator[str]:
    cut = text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"
    yield from (f"| {line}" for line in cut.splitlines())


def _line(text: str) -> str:
    return " ".join(text.split())


def _several(files: Sequence[str]) -> str:
    more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
    return ", ".join(map(repr, files[:_FILES])) + more
