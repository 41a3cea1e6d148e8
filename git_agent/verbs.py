"""Every verb: its module in the command line, its section of the help, its summary, and who may use it.

This module imports nothing of ours, because every front end reads it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from git_agent.record import Record

SECTIONS = ("Setting up", "Tasks", "Running agents", "Working", "Reviewing and merging", "Messages", "Inspecting")
Who = Literal["anyone", "own", "reviewer", "coordinator"]


class Verb(Record):
    """One verb.

    module: the module in git_agent.cli that defines its command, `<verb>_verb`
    section: its section of the help
    summary: one line
    who: who may use it. `anyone`; `own`: a worker only on its own task; `reviewer`: a worker only if
        agent.workersReview is set; `coordinator`: never a worker. People may use every verb.
    guarded: options, arguments and subcommands that no worker may use
    """

    module: str
    section: str
    summary: str
    who: Who
    guarded: frozenset[str] = frozenset()


def _of(module: str, section: str, **entries: tuple[Who, str] | tuple[Who, str, str]) -> dict[str, Verb]:
    return {
        name.strip("_").replace("_", "-"): Verb(module, section, text, who, frozenset(" ".join(guarded).split()))
        for name, (who, text, *guarded) in entries.items()
    }


VERBS: dict[str, Verb] = {
    **_of(
        "setup",
        "Setting up",
        init=("coordinator", "Create the store of this repository and install the hooks"),
        deinit=("coordinator", "Remove the hooks, and with --purge the store"),
        doctor=("anyone", "Show problems, why they matter, and the commands that fix them", "--fix"),
        hooks=("anyone", "Show which hooks run here"),
        sync=("anyone", "Reconcile tasks with git now"),
        config=("anyone", "Show every agent.* key with its value, origin and meaning"),
        trust=("coordinator", "Accept the commands of the committed .gitagent file"),
        completion=("anyone", "Print or install shell completion"),
        demo=("anyone", "Watch three workers go from spawn to a merged base in a throwaway repository"),
        help=("anyone", "Describe a verb, or list them all"),
    ),
    **_of(
        "tasks",
        "Tasks",
        add=("anyone", "Add a task to the queue", "--check"),
        edit=(
            "own",
            "Change a task's title, base, priority or dependencies",
            "--base --after --priority --path --check --name",
        ),
        spawn=("anyone", "Create a branch and a worktree for a new or an open task", "--check --run COMMAND TASK"),
        ready=("anyone", "List tasks that can be claimed, and why others can't"),
        claim=("anyone", "Take the next task from the queue, with branch and worktree"),
        reassign=("coordinator", "Start a new attempt by another worker, from the last commit"),
        release=("own", "Put a task back into the queue"),
        fail=("own", "Give up a task, with a reason"),
        retry=("coordinator", "Put a failed task back into the queue"),
        cancel=("coordinator", "Cancel a task"),
        reopen=("coordinator", "Put a completed or cancelled task back into the queue"),
    ),
    **_of(
        "agents",
        "Running agents",
        run=("coordinator", "Run and supervise a command in a task's worktree"),
        ps=("anyone", "List running commands"),
        logs=("anyone", "Show the output of a task's command"),
        stop=("coordinator", "End a task's command"),
        exec=("own", "Run a command in a task's worktree, unsupervised"),
    ),
    **_of(
        "worker",
        "Working",
        start=("own", "Begin or resume work on a task"),
        heartbeat=("own", "Signal that the worker is alive"),
        prime=("anyone", "Print what an agent needs to know here"),
        ask=("own", "Ask a person a question and hold the task"),
        answer=("coordinator", "Answer a worker's question"),
        done=("own", "Hand in a task for review"),
    ),
    **_of(
        "review",
        "Reviewing and merging",
        diff=("anyone", "Show what a task changed"),
        approve=("reviewer", "Approve a task at its current commit"),
        request_changes=("reviewer", "Send a task back to its worker with comments"),
        merge=("reviewer", "Merge approved tasks into their base", "--all"),
    ),
    **_of(
        "removal",
        "Reviewing and merging",
        rm=("coordinator", "Remove the worktree and branch of a task"),
        clean=("coordinator", "Remove worktrees and branches of completed and cancelled tasks"),
    ),
    **_of(
        "undo",
        "Reviewing and merging",
        undo=("coordinator", "Undo the last merge, rm, clean, cancel or doctor --fix"),
        rescue=("anyone", "List, show and restore what was kept from removals", "restore prune"),
    ),
    **_of(
        "messages",
        "Messages",
        send=("anyone", "Send a message to tasks, people, all workers or a topic"),
        reply=("anyone", "Reply to a message"),
        inbox=("anyone", "Read your messages, or wait for one"),
        ack=("anyone", "Acknowledge messages, so that they are not delivered again"),
        tail=("anyone", "Read the messages of a topic"),
    ),
    **_of(
        "queries",
        "Inspecting",
        status=("anyone", "Show what needs you and what to type next"),
        list=("anyone", "List tasks"),
        show=("anyone", "Show everything about a task"),
        log=("anyone", "Show events, messages and commits by time"),
        watch=("anyone", "Print events as they happen"),
        path=("anyone", "Print the path of a task's worktree"),
        conflicts=("anyone", "Show which branches clash, in which files, and the best merge order"),
        stats=("anyone", "Show statistics: time per state, throughput, failures"),
    ),
}
ALIASES = {"ls": "list"}


def who_may(verb: str, given: Collection[str] = ()) -> Who:
    """Return who may use a verb.

    verb: its name; a subcommand follows after a space
    given: the options and arguments that are given, as the usage names them
    """
    name, _, subcommand = verb.partition(" ")
    entry = VERBS[name]
    return "coordinator" if entry.guarded & {subcommand, *given} else entry.who
