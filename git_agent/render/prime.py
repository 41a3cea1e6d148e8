"""Render `git agent prime`: plain text for an agent's context, always under 60 lines.

Lines that people or other agents wrote begin with `| `, so that they can't be mistaken for ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from git_agent.actions.views.prime import LeftBehind, Primer
from git_agent.actions.views.task import TaskView
from git_agent.domain.advice import steps_towards
from git_agent.domain.message import Message
from git_agent.domain.task import State
from git_agent.integrations import guide
from git_agent.render.text import cut, visible

_WIDE = 200  # columns of a quoted line
_BODY, _REASON, _MAIL, _LEFT, _NEEDS = 8, 3, 1, 3, 6  # the most lines of each


def prime_lines(found: Primer) -> list[str]:
    """Return what an agent must know as lines."""
    return list(_general(found) if found.view is None else _of_task(found, found.view))


def _of_task(found: Primer, viewed: TaskView) -> Iterator[str]:
    task = viewed.task
    yield f"git agent, task {task.id}"
    yield ""
    if found.superseded:
        yield "YOUR ATTEMPT WAS SUPERSEDED: somebody else has this task now. Stop here and make no more commits."
        return
    yield from _facts(viewed)
    yield "what to do:"
    yield from _quoted(task.title, 1)
    yield from _quoted(task.body, _BODY, f"git agent show {task.id}")
    if task.reason:
        yield f"why it is {f'held ({task.hold})' if task.hold else task.state}:"
        yield from _quoted(task.reason, _REASON, f"git agent show {task.id}")
    yield from _earlier(found.left, task.id)
    yield from _mail(found, f"git agent inbox --as {task.id}" if not found.here else "git agent inbox")
    if not task.live:
        yield ""
        yield f"The task is {task.state}: nobody works on it now."
        yield f"next: {viewed.need.command if viewed.need else steps_towards(task, State.WORKING)}"
        return
    if not found.here:
        yield ""
        yield f"You are not in the task's worktree. Its worker starts with: cd {_shell(task.worktree or '')}"
    yield from _guide(guide.WORKER_RULES, guide.WORKER_VERBS)


def _facts(viewed: TaskView) -> Iterator[str]:
    task = viewed.task
    behind = f" ({viewed.ahead} ahead, {viewed.behind} behind)" if viewed.ahead is not None else ""
    pairs = [
        ("state", f"{task.state}{f' with hold {task.hold}' if task.hold else ''}, attempt {task.attempt}"),
        ("branch", f"{task.branch}, to be merged into {task.base}{behind}" if task.branch else ""),
        ("base", "" if task.branch else task.base),
        ("worktree", task.worktree or ""),
        ("waits for", ", ".join(map(str, viewed.blocked_by))),
        ("paths", cut(visible(" ".join(viewed.paths)), _WIDE)),
        ("check", cut(visible(task.check_command or ""), _WIDE)),
    ]
    yield from (f"{name + ':':<10} {visible(value)}" for name, value in pairs if value)


def _earlier(left: Sequence[LeftBehind], task: int) -> Iterator[str]:
    if left:
        yield "earlier attempts left this; check it before you start over:"
    for each in left[-_LEFT:]:
        named = f" ({cut(visible(', '.join(each.files)), _WIDE // 2)})" if each.files else ""
        counts = f"commits: {each.commits}, files not committed: {len(each.files)}{named}"
        yield f"- attempt {each.number}: {visible(each.branch)}, {counts}, in {visible(each.worktree)}"
    if len(left) > _LEFT:
        yield f"- and {len(left) - _LEFT} more: git agent show {task}"


def _mail(found: Primer, command: str) -> Iterator[str]:
    yield f"unread messages: {found.unread}{f'; {command} shows them' if found.unread else ''}"
    for each in found.mail:
        yield f"- {_sender(each)}"
        yield from _quoted(each.body, _MAIL)


def whole_messages(found: Primer) -> list[Message]:
    """Return the messages of which prime_lines shows the whole text."""
    return [each for each in found.mail if _shown(each.body, _MAIL) == _lines(each.body)]


def _sender(said: Message) -> str:
    proved = "" if said.verified else ", sender not proved"
    return f"message {said.id} from {cut(visible(said.sender), _WIDE)}{proved}"


def _quoted(text: str, most: int, whole: str = "") -> Iterator[str]:
    """Yield quoted lines.

    most: the most lines; whole: the command that shows the whole text, named if lines were cut
    """
    lines, shown = _lines(text), _shown(text, most)
    yield from (f"| {line}" for line in shown)
    if whole and shown != lines:
        yield f"(cut; {whole} shows all of it)"


def _lines(text: str) -> list[str]:
    return [line for line in visible(text, multiline=True).expandtabs().splitlines() if line.strip()]


def _shown(text: str, most: int) -> list[str]:
    return [cut(line, _WIDE) for line in _lines(text)[:most]]


def _guide(rules: Sequence[str], verbs: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield from (f"- {rule}" for rule in rules)
    yield ""
    wide = max(map(len, verbs))
    yield from (f"{verb:<{wide}}  {text}" for verb, text in verbs.items())


def _general(found: Primer) -> Iterator[str]:
    assert found.overview is not None
    counts = found.overview.counts
    yield "git agent in this repository"
    yield ""
    yield "tasks: " + (", ".join(f"{counts[s]} {s}" for s in State if counts.get(s)) or "none yet")
    needs = found.overview.needs_you
    yield f"waiting for a person: {len(needs)}{', the most urgent first:' if needs else ''}"
    for each in needs[:_NEEDS]:
        yield f"- task {each.task}: {each.command}"
        yield from _quoted(each.why, 1)
    if len(needs) > _NEEDS:
        yield f"- and {len(needs) - _NEEDS} more: git agent status"
    yield from _mail(found, "git agent inbox")
    yield from _guide(guide.COORDINATOR_RULES, guide.COORDINATOR_VERBS)


def _shell(path: str) -> str:
    import shlex

    return visible(shlex.quote(path))
