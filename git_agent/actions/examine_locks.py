"""What locks git: lock files that are old, with who has them open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git import lockfiles
from git_agent.git.registered import Registered
from git_agent.proc import holders

_OLD_S = 600.0  # git holds a lock for milliseconds, but `git commit` for as long as its editor is open


def examine_locks(app: App, there: Sequence[Registered], path: str | None = None) -> Iterator[Finding]:
    """Examine the lock files of git, or a single one; nothing is changed.

    there: the worktrees in which a git may run; path: of a single one, absolute.
    """
    old = lockfiles.aged([path] if path is not None else lockfiles.lock_files(app.repo), _OLD_S)
    if not old:
        return
    held = holders.holders({each.path for each in old})
    where = [app.repo.common_dir, app.repo.main_worktree, *(each.path for each in there)]
    gits = holders.gits([path for path in where if path])
    for each in old:
        age = f"{each.path} is {int(each.age_s / 60)} min old"
        by = held.get(each.path) or gits
        stopped = next((one for one in by if one.stopped), None)
        if stopped is not None:
            says = f"{age}; process {stopped.pid} ({stopped.name}), which is stopped, " + (
                "has it open" if each.path in held else "runs here"
            )
            yield Finding("lock-stopped", says, None, each.path, f"kill -CONT {stopped.pid}, or kill {stopped.pid}")
        elif not by:
            known = "nobody has it open" if holders.known() else "no git should run here any more"
            yield Finding("lock-stale", f"{age}, and {known}", None, each.path)
