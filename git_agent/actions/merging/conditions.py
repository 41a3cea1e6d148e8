"""What must hold before a merge into a base is committed: the user's hooks agree, and the branch is signed."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from git_agent.app import App
from git_agent.domain.durations import spell
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.git.merging.settings import CONTENT_HOOKS, MergeSettings, hook_command, read_settings, unsigned
from git_agent.git.worktrees.preview import Preview
from git_agent.proc import shell
from git_agent.record import Record

# A hook that would open an editor finds one that does nothing, as in git merge --no-edit.
_ENVIRONMENT = {"GIT_EDITOR": ":", "GIT_AGENT_HOOKS": "0"}


class Conditions(Record):
    """The conditions of merges into one base by one strategy.

    settings: what the user's configuration says
    hook: the hook that judges the files, None when there is none
    preview: the scratch worktree in which the hook runs
    tick: called at least every half second while it runs
    """

    app: App
    settings: MergeSettings
    hook: str | None
    preview: Preview
    tick: Callable[[], None]

    def require_signed(self, task: Task, tip: str) -> None:
        """Refuse (exit 3) a branch whose tip is not signed, if git would refuse to merge it.

        tip: the branch's commit, a full oid
        """
        if not self.settings.verifies:
            return
        why = unsigned(self.app.repo, tip, min_trust=self.settings.min_trust)
        if why is not None:
            says = f"cannot merge {task.label}: its last commit {tip[:12]} {why} (merge.verifySignatures)"
            place = f" -C {shlex.quote(task.worktree)}" if task.worktree else ""
            hint = f"git{place} commit --amend --no-edit -S, then git agent merge {task.id}"
            raise refused("not-signed", says, hint)

    def run_hook(self, task: Task, base_oid: str, tree: str) -> None:
        """Run the hook that judges the files; raise AgentError (exit 3) when it refuses them.

        base_oid: the commit that the merge is built on
        tree: the result of the merge
        The hook finds the result checked out and staged on that commit. What the hook changes there does not land.
        """
        if self.hook is None:
            return
        app, seconds = self.app, self.app.config.seconds("agent.checkTimeout")
        path = self.preview.staged(base_oid, tree)
        command = shlex.join(("git", *hook_command(self.settings, self.hook)))
        app.progress(f"hook: {self.hook} ({task.label})")
        env = {**app.repo.real_objects, **_ENVIRONMENT, "GIT_INDEX_FILE": self.preview.index}
        ran = shell.run_shell(command, path, env, app.progress, tick=self.tick, within_s=seconds or None)
        if ran.status == 0:
            return
        how = "refused it" if ran.status is not None else f"did not end within {spell(seconds)}"
        says = f"cannot merge {task.label}: the {self.hook} hook {how}"
        hint = f"git agent request-changes {task.id} -m TEXT, or see what the hook said"
        raise refused("hook-refused", says, hint, ran.tail)


def read_conditions(app: App, base: str, strategy: str, preview: Preview, tick: Callable[[], None]) -> Conditions:
    """Read the conditions of merges into a base.

    base: the branch
    strategy: merge, squash, rebase or ff
    preview, tick: as for Conditions
    """
    settings = read_settings(app.repo, base, app.config.git)
    hook = CONTENT_HOOKS.get(strategy)
    return Conditions(app, settings, hook if hook in settings.hooks else None, preview, tick)
