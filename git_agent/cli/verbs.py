"""Every verb with its module, its section of the help, and its summary. This module imports none of them."""

from __future__ import annotations

from typing import NamedTuple

SECTIONS = ("Setting up", "Tasks", "Running agents", "Working", "Reviewing and merging", "Messages", "Seeing")


class Verb(NamedTuple):
    """One verb.

    module: the module in git_agent.cli that contains its command, `<verb>_verb`
    section: its section of the help
    summary: one line
    """

    module: str
    section: str
    summary: str


def _of(module: str, section: str, **summaries: str) -> dict[str, Verb]:
    return {name.strip("_").replace("_", "-"): Verb(module, section, text) for name, text in summaries.items()}


VERBS: dict[str, Verb] = {
    **_of(
        "setup",
        "Setting up",
        init="Create the store of this repository and install the hooks",
        deinit="Remove the hooks and restore everything as it was before",
        doctor="Show problems, why they matter, and the commands that fix them",
        hooks="Show which hooks run here",
        sync="Reconcile tasks with git now",
        config="Show every agent.* key with its value, origin and meaning",
        trust="Accept the commands of the committed .gitagent file",
        completion="Print or install shell completion",
        demo="Watch three workers go from spawn to a merged base in a throwaway repository",
    ),
    **_of(
        "tasks",
        "Tasks",
        add="Add a task to the queue",
        edit="Change a task's title, base, priority or dependencies",
        spawn="Create a branch and a worktree for a new or an open task",
        ready="List tasks that can be claimed, and why others can't",
        claim="Take the next task from the queue, with branch and worktree",
        reassign="Start a new attempt by another worker, from the last commit",
        release="Put a task back into the queue",
        fail="Give up a task, with a reason",
        retry="Put a failed task back into the queue",
        cancel="Cancel a task",
        reopen="Put a completed or cancelled task back into the queue",
    ),
    **_of(
        "agents",
        "Running agents",
        run="Run and supervise a command in a task's worktree",
        ps="List running commands",
        logs="Show the output of a task's command",
        stop="End a task's command",
        exec="Run a command in a task's worktree, unsupervised",
    ),
    **_of(
        "worker",
        "Working",
        start="Begin or resume work on a task",
        heartbeat="Signal that the worker is alive",
        prime="Print what an agent needs to know here",
        ask="Ask a person a question and hold the task",
        answer="Answer a worker's question",
        done="Hand in a task for review",
    ),
    **_of(
        "review",
        "Reviewing and merging",
        diff="Show what a task changed",
        approve="Approve a task at its current commit",
        request_changes="Send a task back to its worker with comments",
        merge="Merge approved tasks into their base",
        rm="Remove the worktree and branch of a task",
        clean="Remove worktrees and branches of completed and cancelled tasks",
    ),
    **_of(
        "undo",
        "Reviewing and merging",
        undo="Undo the last merge, rm, clean, cancel or doctor --fix",
        rescue="List, show and restore what was kept from removals",
    ),
    **_of(
        "messages",
        "Messages",
        send="Send a message to tasks, people, all workers or a topic",
        reply="Reply to a message",
        inbox="Read your messages, or wait for one",
        ack="Acknowledge messages, so that they are not delivered again",
        tail="Read the messages of a topic",
    ),
    **_of(
        "queries",
        "Seeing",
        status="Show what needs you and what to type next",
        list="List tasks",
        show="Show everything about a task",
        log="Show events, messages and commits by time",
        watch="Print events as they happen",
        path="Print the path of a task's worktree",
        conflicts="Show which branches clash, in which files, and an order to merge in",
        stats="Show statistics: time per state, throughput, failures",
    ),
}
ALIASES = {"ls": "list"}
