"""Hooks in git's configuration: those that git 2.54 runs from it, and core.hooksPath for workers' worktrees."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence

from git_agent.errors import AgentError, Exit
from git_agent.files import read_or_empty, replace_file
from git_agent.git import discover
from git_agent.git.hooks.scripts import EVENTS, FIND, HOOK, IS_THERE, RUN, RUN_AND_REPLAY, STDIN, VETO, write_hook_file
from git_agent.git.place import Checkout
from git_agent.git.repo import Repo

SINCE = (2, 54, 0)  # git 2.54 runs hooks from its configuration
HOOKS, GUARD, WORKERS = "hooks.gitconfig", "guard.gitconfig", "workers.gitconfig"
CHAIN = "chain"

# The worktrees of workers are named <task>-<name>. libgit2 and every git since 2.13 support this condition. It needs no
# extension; extensions.worktreeConfig would make other programs refuse the repository.
CONDITION = "gitdir:worktrees/[0-9]*-*"
_CONDITION = f'[includeIf "{CONDITION}"]'
_SECTIONS = {HOOKS: "[include]", GUARD: _CONDITION, WORKERS: _CONDITION}
_PATIENCE = 10.0  # seconds, as run.git has
# githooks(5): what a client runs. The mere presence of another hook changes what git does, so those only where the user
# has them.
_USUAL = (
    *("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-merge-commit", "post-merge", "pre-rebase"),
    *("post-rewrite", "post-checkout", "pre-push", "applypatch-msg", "pre-applypatch", "post-applypatch"),
    "pre-auto-gc",
)
_UNUSUAL = (
    *("pre-receive", "update", "proc-receive", "post-receive", "post-update", "reference-transaction"),
    *("push-to-checkout", "sendemail-validate", "fsmonitor-watchman", "post-index-change"),
    *("p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit"),
)
_DISPATCHER = """\
#!/bin/sh
# Made by `git agent init`: in the worktrees of workers core.hooksPath names this directory. Runs our part, then the
# hook that git would have run by itself: git's configuration without ours says which.
{find}git_agent_hooks=$git_agent/hooks
while IFS= read -r git_agent_line; do
    case $git_agent_line in
    */git-agent/workers.gitconfig"	"* | */git-agent/workers.gitconfig'"	'*) ;;
    *"	"*) git_agent_hooks=${{git_agent_line#*"	"}} ;;
    esac
done <<git_agent
$(git config --type=path --show-origin --get-all core.hooksPath 2>/dev/null)
git_agent
git_agent_next=$git_agent_hooks/{event}
if [ ! -f "$git_agent_next" ] || [ ! -x "$git_agent_next" ] || [ "$git_agent_next" = "$0" ]; then git_agent_next=; fi
{ours}[ -n "$git_agent_next" ] || exit 0
GIT_AGENT_HOOK_PID=$$
export GIT_AGENT_HOOK_PID
exec "$git_agent_next" "$@"
"""


def command(event: str) -> str:
    """Return the command of a hook in git's configuration; git appends the hook's arguments."""
    # A post-* hook may exit as it likes, in its own process: git ignores its status.
    run = '. "$h"' + ("" if event in STDIN else " </dev/null")
    run = run if event in VETO or event not in STDIN else f"({run}) || :"
    body = FIND + HOOK.format(event=event) + f"if {IS_THERE}; then\n    h=$git_agent\n    {run}\nfi\n"
    return "git_agent() {\n" + body + "}\ngit_agent"


def dispatcher(event: str, *, ours: bool) -> bytes:
    """Return the hook file for workers' worktrees. ours: it runs our part, too."""
    otherwise = "exit 1" if event in VETO else ":"
    text = ""
    if ours and event in STDIN:
        replay = RUN_AND_REPLAY.format(run=RUN, otherwise=otherwise)
        text = f'if {IS_THERE} && [ -z "$git_agent_next" ]; then\n    {RUN} || {otherwise}\n'
        text += f"elif {IS_THERE}; then\n{replay}fi\n"
    elif ours:
        text = f"if {IS_THERE}; then\n    {RUN} </dev/null || {otherwise}\nfi\n"
    text = HOOK.format(event=event) + text if ours else ""
    return _DISPATCHER.format(find=FIND, event=event, ours=text).encode()


def put_commands(repo: Repo, store: str, name: str, events: Sequence[str]) -> bool:
    """Write the configuration by which git runs our part of these events; return whether it was written.

    store: the store's directory.
    name: the file's name in it.
    """
    wanted = {}
    for event in events:
        wanted[f"hook.git-agent-{event}.event"] = event
        wanted[f"hook.git-agent-{event}.command"] = command(event)
    return _put_settings(repo, os.path.join(store, name), wanted)


def put_chain(repo: Repo, store: str, ours: Sequence[str]) -> bool:
    """Write the hooks directory of the workers' worktrees, and the configuration that names it.

    store: the store's directory.
    ours: the events for which our part runs there.
    Returns whether anything was written.
    """
    chain = os.path.join(store, CHAIN)
    os.makedirs(chain, mode=0o700, exist_ok=True)
    names = {*_USUAL, *ours, *_present(repo, _UNUSUAL)}
    for name in set(os.listdir(chain)) - names:
        os.unlink(os.path.join(chain, name))
    files = {os.path.join(chain, name): dispatcher(name, ours=name in ours) for name in sorted(names)}
    written = [write_hook_file(path, content, 0o755) for path, content in files.items()]
    return _put_settings(repo, os.path.join(store, WORKERS), {"core.hookspath": chain}) or any(written)


def _put_settings(repo: Repo, path: str, wanted: Mapping[str, str]) -> bool:
    if os.path.lexists(path) and _settings(repo, path) == wanted:
        return False
    draft = f"{path}.new"
    with open(draft, "wb"):
        pass
    try:
        for key, value in wanted.items():
            repo.git("config", "--file", draft, key, value)  # git quotes the value: an unquoted ; would cut it off
        if _settings(repo, draft) != wanted:
            raise AgentError("hook-config", f"git reads {path} differently from what was written", "git agent doctor")
        replace_file(path, read_or_empty(draft), temporary=f"{path}.git-agent-new")
    finally:
        os.unlink(draft)
    return True


def _settings(repo: Repo, path: str) -> dict[str, str]:
    fields = repo.git("config", "--file", path, "--no-includes", "--null", "--list", ok=(0, 1, 128)).fields
    return dict(field.partition("\n")[::2] for field in fields if field)


def _present(repo: Repo, names: Iterable[str]) -> set[str]:
    """Return the hooks of these names that any worktree has, where git would look for them without ours."""
    path = hooks_path(repo)
    others = filter(None, map(discover.linked, discover.admin_dirs(repo.common_dir)))
    tops = [repo.main_worktree or repo.common_dir, *others]
    where = {os.path.join(top, path) if path else os.path.join(repo.common_dir, "hooks") for top in tops}
    return {name for name in names for each in where if os.access(os.path.join(each, name), os.X_OK)}


def hooks_path(repo: Repo, scopes: Iterable[str] = ()) -> str | None:
    """Return core.hooksPath as the main worktree has it, with ~ expanded; None when it is unset.

    scopes: only when it is set in one of these, unless empty.
    """
    # With --git-dir, the condition of our own include is false.
    asked = ("config", "--null", "--show-scope", "--type=path", "--get", "core.hooksPath")
    done = repo.git(*asked, ok=(0, 1), env={"GIT_CONFIG_PARAMETERS": "", "GIT_CONFIG_COUNT": "0"})
    if done.status or (scopes and done.fields[0] not in scopes):
        return None
    return done.fields[1]


def hook_directories(repo: Repo) -> tuple[list[str], bool, str]:
    """Return where our blocks are or may be put, the directory that git uses in the main worktree first.

    Also returns whether git uses that directory in other worktrees, too, and why nothing may be put there ("" when it
    may).
    """
    top = repo.main_worktree or repo.common_dir
    default = os.path.join(repo.common_dir, "hooks")
    path = hooks_path(repo)
    where = os.path.realpath(os.path.join(top, path) if path is not None else default)
    why = _forbidden(repo, where, path)
    known = [os.path.realpath(default)] if _inside(os.path.realpath(default), repo.common_dir) else []
    return ([] if why else [where]) + known, not why and (path is None or os.path.isabs(path)), why


def _forbidden(repo: Repo, where: str, path: str | None) -> str:
    if _inside(where, repo.common_dir):
        return ""
    later = "the next command, or git agent sync, notices what happens in the main worktree"
    top = repo.main_worktree
    own = path is None or hooks_path(repo, ("local", "worktree")) is not None
    if not top or not own or not _inside(where, top):
        return f"the hooks directory {where} is outside this repository and is left unchanged: {later}"
    if not os.path.isdir(where):
        return f"the hooks directory {where} does not exist; once it does: git agent init"
    files = [os.path.relpath(os.path.join(where, event), top) for event in EVENTS]
    if set(files) - repo.ignored(top, files):
        return f"the hooks directory {where} belongs to the project and is left unchanged: {later}"
    return ""


def _inside(path: str, directory: str) -> bool:
    return path.startswith(os.path.realpath(directory) + os.sep)


def put_includes(repo: Repo, names: Sequence[str]) -> bool:
    """Make <common>/config include these files of ours and no others; return whether it was changed."""
    path = os.path.realpath(os.path.join(repo.common_dir, "config"))
    _unset_strays(repo, path)
    if _included(read_or_empty(path), names) == read_or_empty(path):
        return False
    lock = _lock(path)
    try:
        content = _included(read_or_empty(path), names)
    except BaseException:
        os.unlink(lock)
        raise
    replace_file(path, content, temporary=lock, sync=True)
    return True


def _text(name: str) -> bytes:
    return f"{_SECTIONS[name]}\n\tpath = git-agent/{name}\n".encode()


def _included(config: bytes, names: Sequence[str]) -> bytes:
    """Return config with exactly these includes of ours."""
    for name in _SECTIONS:
        text = _text(name)
        there = len(config) - len(_without(config, text)) == len(text)
        # Ours must come after any core.hooksPath, to win over it.
        beaten = name == WORKERS and b"hookspath" in config.partition(text)[2].lower()
        if name in names and there and not beaten:
            continue
        config = _without(config, text)
        if name in names:
            # If it does not end with a newline, ours does not either, so that the original can be restored.
            config += text if config.endswith(b"\n") or not config else b"\n" + text[:-1]
    return config


def _without(config: bytes, text: bytes) -> bytes:
    return config.replace(text, b"").removesuffix(b"\n" + text[:-1])


def _unset_strays(repo: Repo, path: str) -> None:
    """Remove includes of ours that another program reformatted when it rewrote the file; git finds those."""
    for name in _SECTIONS:
        if f"git-agent/{name}".encode() in _without(read_or_empty(path), _text(name)):
            key = _SECTIONS[name].strip("[]").replace(' "', ".").rstrip('"') + ".path"
            found = ("--fixed-value", "--unset-all", key, f"git-agent/{name}")
            repo.git("config", "--file", path, *found, ok=(0, 1, 5))


def _lock(path: str) -> str:
    """Take the lock that git takes on a configuration file."""
    lock = f"{path}.lock"
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return lock
        except FileExistsError:
            if time.monotonic() >= end:
                hint = "when it is ten minutes old and no process has it open: git agent doctor --fix"
                raise AgentError("git-busy", f"another git holds {lock}", hint, exit=Exit.BUSY) from None
            import random

            time.sleep(random.uniform(0.01, 0.05))


def configured_events(here: Checkout) -> set[str]:
    """Return the events for which git's configuration runs our part in this worktree."""
    asked = ("config", "--null", "--get-regexp", r"^hook\.git-agent-.*\.(event|enabled)$")
    pairs = [each.partition("\n")[::2] for each in here.git(*asked, ok=(0, 1)).fields]
    off = {key for key, value in pairs if key.endswith(".enabled") and value.lower() in ("false", "no", "off", "0", "")}
    return {value for key, value in pairs if key.endswith(".event") and key[: -len("event")] + "enabled" not in off}


def hook_beside(store: str, here: Checkout, event: str) -> str:
    """Return the path of the hook that git would run in this worktree without our hooks directory."""
    asked = ("config", "--null", "--type=path", "--show-origin", "--get-all", "core.hooksPath")
    fields = here.git(*asked, ok=(0, 1)).fields
    pairs = zip(fields[::2], fields[1::2], strict=False)
    paths = [value for origin, value in pairs if not origin.endswith(f"/git-agent/{WORKERS}")]
    return os.path.join(here.path, paths[-1] if paths else os.path.join(os.path.dirname(store), "hooks"), event)
