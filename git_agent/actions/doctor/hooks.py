"""Examine and fix the hooks: whether they are installed, unmodified and running, and which git-agent they start."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from itertools import chain

from git_agent.actions.doctor.fix import not_as_seen, record_fix
from git_agent.actions.setup.init import init
from git_agent.actions.worktrees import worktree_root
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git.hooks import lfs
from git_agent.git.hooks.everywhere import hooks_everywhere
from git_agent.git.hooks.install import effective_hooks, hooks_forbidden, hooks_unlike_ours, lost_beside
from git_agent.git.worktrees import repair
from git_agent.proc import program
from git_agent.store import meta


def examine_hooks(app: App) -> list[Finding]:
    """Examine what git would run here and in workers' worktrees, without changing anything.

    Where hooks are turned off, missing ones are not reported.
    """
    wanted = app.store.meta.get(meta.HOOKS)
    found = [*_path(), *_login(app)]
    if wanted in (None, "off") or app.env.get("GIT_AGENT_HOOKS") == "0":
        return found
    guard = (wanted or "").endswith("guard")
    for path in hooks_unlike_ours(app.repo, guard=guard):
        found.append(Finding("hooks-script", f"{path} is missing, changed or not executable", None, path))
    return [*found, *_program(app), *_running(app), *_without_lfs(app)]


def _without_lfs(app: App) -> Iterator[Finding]:
    if not (lfs.stores_files(app.repo) or lfs.tracks_files(app.repo)):
        return
    if (missing := lfs.explain_missing(app.repo)) is not None:
        path, hint = missing
        yield Finding("hooks-lfs", f"files are stored with Git LFS, but {path} does not run git-lfs", None, path, hint)


def _running(app: App) -> Iterator[Finding]:
    """Report only what reinstalling can fix; `git agent hooks` reports a hooks directory that must stay as it is."""
    standing = [
        (each.worktree, each.admin)
        for each in app.store.attempts.standing()
        if each.working and repair.is_connected(app.repo, each.worktree)
    ]
    main = [] if hooks_forbidden(app.repo) else [app.repo.main_worktree or app.repo.common_dir]
    asked = [(place, effective_hooks(app.repo, place)) for place in main]
    for place, effective in chain(asked, hooks_everywhere(app.repo, standing)):
        missing = [each.event for each in effective if each.scheme == "none"]
        if missing:
            yield Finding("hooks-missing", f"{', '.join(missing)} in {place}: git does not run ours", None, place)
        for each in effective:
            if each.scheme == "own file" and (lost := lost_beside(each)):
                says = f"{lost}, which ours runs afterwards, is gone or not executable"
                yield Finding("hooks-unchained", says, None, lost, f"chmod +x {shlex.quote(lost)}, or git agent init")


def _program(app: App) -> Iterator[Finding]:
    named, own = program.configured_path(app.store_dir), program.own_path()
    if named is not None and program.usable_path(app.store_dir) is None:
        yield Finding("hooks-program", f"the hooks start {named}, which is gone", None, named)
    elif named is not None and os.path.realpath(named) != os.path.realpath(own):
        says, hint = f"the hooks start {named}, but this is {own}", f"{shlex.quote(own)} init"
        yield Finding("hooks-other", says, None, named, hint)


def _path() -> Iterator[Finding]:
    first, own = program.first_on_path(), program.own_path()
    if first is None or os.path.realpath(first) == os.path.realpath(own):
        return
    hint = f'export PATH={shlex.quote(os.path.dirname(own))}:"$PATH"'
    if program.is_git_agent(first):
        yield Finding("path-other", f"{first} comes before {own} on PATH", None, first, hint)
    else:
        says = f"{first} is another program, and comes before {own} on PATH"
        yield Finding("path-foreign", says, None, first, hint)


def _login(app: App) -> Iterator[Finding]:
    """Ask the login shell if codex is used: codex runs commands in one, and its profile may replace PATH."""
    commands = (each.value for each in app.config.settings() if each.key.startswith("agent.run."))
    if shutil.which("codex") is None and not any("codex" in command for command in commands):
        return
    from git_agent.proc.login_shell import ask_login_shell, line_for_login

    own, root = program.own_path(), worktree_root(app)
    asked = ask_login_shell([*filter(None, (app.repo.main_worktree, app.repo.common_dir)), root])
    if asked is None or (asked.found and os.path.realpath(asked.found) == os.path.realpath(own)):
        return
    if not asked.answered:
        says, hint = "does not answer within 5 s", f"time {asked.command} true"
    else:
        says = f"finds {asked.found}, but this is {own}" if asked.found else "does not find git-agent"
        hint = line_for_login(asked.command)
    yield Finding("path-login", f"a login shell ({asked.command}) {says}", None, asked.command, hint)


def fix_hooks(app: App, finding: Finding) -> str:
    """Install the hooks again, if the finding still holds; return what was done. Raises AgentError or OSError."""
    if not _is_so(app, finding):
        raise not_as_seen()
    done = init(app)
    for line in done.manual:
        app.notice(line)
    return record_fix(app, finding, "installed again", {}, {"changed": list(done.hooks or ())})


def _is_so(app: App, finding: Finding) -> bool:
    """Tell whether the finding still holds: one installation fixes all, and hooks may have been turned off since."""
    wanted = app.store.meta.get(meta.HOOKS)
    if wanted in (None, "off"):
        return False
    if finding.code == "hooks-program":
        return program.usable_path(app.store_dir) is None
    if finding.code == "hooks-script":
        return finding.subject in hooks_unlike_ours(app.repo, guard=(wanted or "").endswith("guard"))
    return any(each.scheme == "none" for each in effective_hooks(app.repo, finding.subject))
