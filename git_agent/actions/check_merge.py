"""Run the check command on what a merge made, before the base moves."""

from __future__ import annotations

from git_agent.actions.candidate import Candidate
from git_agent.actions.hold_check import hold_check
from git_agent.actions.run_check import run_check
from git_agent.app import App
from git_agent.domain.landing import after_check
from git_agent.domain.queueing import check_commands
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.git import merges
from git_agent.git.preview import Preview


def check_merge(app: App, task: Task, made: Candidate, dry_run: bool) -> str | None:
    """Check a candidate in a scratch worktree with the task's or the repository's command; nothing without one.

    A failing check sends the task back to its worker (hold check_failed) with the last lines, unless dry_run. Returns
    the file with what it printed. Raises AgentError (exit 3), also when the checkout of the base would refuse it.
    """
    commands = check_commands([task], app.config.text("agent.check"))
    if not commands:
        return None
    merges.require_landable(app.repo, task.base, made.oid, made.base_oid)  # nobody wants to hear it after an hour
    with Preview(app.repo) as preview:
        ran = run_check(app, preview.at(made.oid), commands, [task.id])
    if ran.passed:
        return ran.log
    if not dry_run:
        hold_check(app, task, ran)
    raise refused(
        "check-failed",
        f"cannot merge {task.label}: {ran.why}",
        f"git agent merge {task.id} --no-check" if dry_run else after_check(task),
        ran.said,
    )
