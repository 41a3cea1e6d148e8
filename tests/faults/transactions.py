"""The verbs that change the store in one transaction, each with a task that stands where the verb begins."""

from __future__ import annotations

from pathlib import Path

from tests.faults.scene import Scene
from tests.sandbox import Sandbox


def every_state(sandbox: Sandbox) -> None:
    """Make a task in each state, by its number: see SCENES; and messages: a question, one to task 2, one to people."""
    sandbox.commit(None, ".gitagent", '[agent]\n\tcheck = "true"\n', "Configure the team")
    sandbox.agent("add", "Open")
    for title in ("Assigned", "Working", "Asking", "In review", "Approved", "Failed", "Cancelled"):
        sandbox.agent("spawn", title)
    for task in (3, 4, 5, 6):
        where = Path(sandbox.agent("path", str(task)).out.strip())
        sandbox.commit(where, f"{task}.txt", f"{task}\n", f"Work on {task}")
        sandbox.agent("start", str(task))
    sandbox.agent("ask", "Which one?", "--task", "4")
    for task in ("5", "6"):
        sandbox.agent("done", task)
    sandbox.agent("approve", "6")
    sandbox.agent("fail", "7", "-m", "No idea")
    sandbox.agent("cancel", "8")
    sandbox.agent("send", "2", "Look at this")
    sandbox.agent("send", "@human", "And you at that")


def _scene(name: str, *argv: str, task: int = 0, goal: str = "", shown: str = "") -> Scene:
    """Name a verb, and how one sees that it was done: a task's state, or a query whose first value is true."""
    query = f"select state = '{goal}' from task where id = {task}" if goal else shown
    return Scene(name, argv, every_state, goal or "OPEN", shown=query)


def _said(body: str) -> str:
    return f"select count(*) from message where body = '{body}'"


TRANSACTIONS = (
    _scene("add", "add", "One more", shown="select count(*) from task where title = 'One more'"),
    _scene("edit", "edit", "1", "-p", "0", shown="select priority = 0 from task where id = 1"),
    _scene("start", "start", "2", task=2, goal="WORKING"),
    _scene("start-resumes", "start", "4", shown="select hold is null from task where id = 4"),
    _scene("start-takes-back", "start", "5", task=5, goal="WORKING"),
    _scene("heartbeat", "heartbeat", "2", "-m", "Reading", shown="select note = 'Reading' from lease where task = 2"),
    _scene("ask", "ask", "How?", "--task", "3", shown="select hold = 'needs_input' from task where id = 3"),
    _scene("answer", "answer", "4", "That one", shown="select hold is null from task where id = 4"),
    _scene("done", "done", "3", task=3, goal="IN_REVIEW"),
    _scene("release", "release", "2", task=2, goal="OPEN"),
    _scene("fail", "fail", "3", "-m", "Too hard", task=3, goal="FAILED"),
    _scene("retry", "retry", "7", task=7, goal="OPEN"),
    _scene("cancel", "cancel", "5", task=5, goal="CANCELLED"),
    _scene("cancel-queued", "cancel", "1", task=1, goal="CANCELLED"),
    _scene("reopen", "reopen", "8", task=8, goal="OPEN"),
    _scene("approve", "approve", "5", task=5, goal="APPROVED"),
    _scene("request-changes", "request-changes", "6", "-m", "Again", task=6, goal="WORKING"),
    _scene("merge-already", "merge", "6", "--already", task=6, goal="COMPLETED"),
    _scene("trust", "trust", shown="select count(*) from meta where key like '%trust%'"),
    _scene("send", "send", "2", "Hello", shown=_said("Hello")),
    _scene("send-topic", "send", "#builds", "Green", shown=_said("Green")),
    _scene("reply", "reply", "1", "Yes", shown=_said("Yes")),
    _scene("inbox", "inbox", shown="select state = 'seen' from delivery where message = 1"),
    _scene("ack", "ack", "1", shown="select state = 'acked' from delivery where message = 1"),
)
