"""Every verb once: its module, its section of the help, its one-line summary. Importing this imports nothing else."""

from __future__ import annotations

from typing import NamedTuple

SECTIONS = ("Setting up", "Tasks", "Running agents", "Working", "Reviewing and merging", "Messages", "Seeing")


class Verb(NamedTuple):
    """One verb. module: of git_agent.cli, where the command stands under the verb's name with underscores."""

    module: str
    section: str
    summary: str


def _of(module: str, section: str, **summaries: str) -> dict[str, Verb]:
    return {name.strip("_").replace("_", "-"): Verb(module, section, text) for name, text in summaries.items()}


VERBS: dict[str, Verb] = {
    **_of(
        "setup",
        "Setting up",
        init="Make the store of this repository, and install the hooks",
        deinit="Take the hooks out, exactly as they were before",
        doctor="Say what is wrong here, why it matters, and what mends it",
        hooks="Show which hooks are effective here",
        sync="Look at what git says now",
        config="Show every agent.* key with its value, its origin and its meaning",
        trust="Accept the commands of the committed .gitagent file",
        completion="Print or install the completion of a shell",
        demo="Watch three workers go from spawn to a merged base in a throwaway repository",
    ),
    **_of(
        "tasks",
        "Tasks",
        add="Put a task into the queue",
        edit="Change a task's title, base, priority or dependencies",
        spawn="Make a branch and a worktree for a new or an open task",
        ready="List what can be claimed, and why the rest can't",
        claim="Take the next task of the queue, with branch and worktree",
        reassign="Give a task to somebody else: a new attempt from the last commit",
        release="Put a task back into the queue",
        fail="Give a task up, with a reason",
        retry="Put a failed task back into the queue",
        cancel="Call a task off",
        reopen="Put a completed or cancelled task back into the queue",
    ),
    **_of(
        "agents",
        "Running agents",
        run="Supervise a command in a task's worktree",
        ps="List the commands that run",
        logs="Show what a task's command printed",
        stop="End a task's command",
        exec="Run a command in a task's worktree",
    ),
    **_of(
        "worker",
        "Working",
        start="Begin or resume work on a task",
        heartbeat="Say that the worker is there",
        prime="Print what an agent must know to work here",
        ask="Ask the people a question and wait",
        answer="Answer a worker's question",
        done="Hand a task in for review",
    ),
    **_of(
        "review",
        "Reviewing and merging",
        diff="Show what a task changed",
        approve="Accept a task at the commit its branch is at",
        request_changes="Send a task back to its worker with a text",
        merge="Merge approved tasks into their base",
        rm="Remove the worktree and branch of a task",
        clean="Remove what completed and cancelled tasks left",
    ),
    **_of(
        "undo",
        "Reviewing and merging",
        undo="Undo the last merge, rm, clean, cancel or doctor --fix",
        rescue="List, show and bring back what was kept before it was removed",
    ),
    **_of(
        "messages",
        "Messages",
        send="Send a message to tasks, people, all workers or a topic",
        reply="Answer a message",
        inbox="Read what waits for you, or wait for it",
        ack="Acknowledge messages: they are delivered no more",
        tail="Read what is said in a topic",
    ),
    **_of(
        "queries",
        "Seeing",
        status="Show who waits for you and what to type next",
        list="List tasks",
        show="Show everything known of a task",
        log="Show what happened, by time",
        watch="Print events as they happen",
        path="Print the path of a task's worktree",
        conflicts="Show which branches clash, on which files, and an order to merge in",
        stats="Show figures: times per state, throughput, failures",
    ),
}
ALIASES = {"ls": "list"}
