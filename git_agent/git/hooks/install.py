"""Install, repair, remove and describe the hooks; the user's own hooks keep working."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import git_agent
from git_agent.errors import AgentError, Exit
from git_agent.files import read_or_empty
from git_agent.git.errors import system_error
from git_agent.git.hooks import scripts, settings
from git_agent.git.hooks.scripts import CHAINED, write_hook_file
from git_agent.git.hooks.stamp import stamped_directories, write_stamp
from git_agent.git.locks import private_dir, try_hold
from git_agent.git.place import Checkout
from git_agent.git.repo import Repo
from git_agent.git.sweeper import delete_tree
from git_agent.git.versions import git_version
from git_agent.record import Record

EVENTS, GUARD = scripts.EVENTS, scripts.GUARD
_PATIENCE = 10.0  # seconds; an installation takes a tenth of one
_MADE = "hooks.made"  # names the hooks directory that we created
_LOCK = "hooks.lock"
_FILES = (settings.HOOKS, settings.GUARD, settings.WORKERS, "program", "enabled", "protected", "claims")


class HookChanges(Record):
    """What install_hooks() or uninstall_hooks() did.

    changed: one line for each change.
    manual: one sentence with a command for each step that is left to the user, because we could not or must not take
        it.
    """

    changed: tuple[str, ...]
    manual: tuple[str, ...]


class Effective(Record):
    """What git runs for one event in one worktree.

    event: the hook's name.
    scheme: config, block, own file, chained, workers' or none.
    path: the file that git runs or reads the command from.
    beside: the user's own hook that runs, too.
    note: a remark, or "".
    """

    event: str
    scheme: str
    path: str | None
    beside: str | None
    note: str


class _Said:
    def __init__(self, again: str) -> None:
        self.again = again
        self.changed: list[str] = []
        self.manual: list[str] = []

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Turn an error of the system or of git into a manual step."""
        try:
            yield
        except (OSError, AgentError) as error:
            why = error if isinstance(error, AgentError) else system_error(error)
            self.manual.append(f"{what}: {why.message}; when that is fixed: {self.again}")

    def done(self) -> HookChanges:
        return HookChanges(tuple(self.changed), tuple(self.manual))


def install_hooks(repo: Repo, program: str, *, guard: bool) -> HookChanges:
    """Install the hooks, or repair them; a second call changes nothing.

    program: absolute path of git-agent, for the hook scripts.
    guard: also install the hooks that may refuse, in workers' worktrees.
    Checks every file, even when hooks_are_intact() sees no change: a disk that failed may work again. Raises no error
    that the user can't do anything about; those become manual steps.
    """
    said = _Said("git agent init")
    with said.refusing("the hooks were not installed"), _locked(repo) as store:
        _put_scripts(store, program, guard, said)
        if git_version() >= settings.SINCE:
            places = _by_config(repo, store, guard, said)
        else:
            places = _by_files(repo, store, guard, said)
        write_stamp(repo, program, [*_script_files(store, guard), *places], guard=guard)
    return said.done()


def uninstall_hooks(repo: Repo) -> HookChanges:
    """Remove everything that install_hooks() wrote, so that the user's hooks and configuration are as they were."""
    said = _Said("git agent deinit")
    fresh = not os.path.isdir(os.path.join(repo.common_dir, "git-agent"))
    with said.refusing("the hooks were not removed"), _locked(repo) as store:
        with said.refusing("the configuration still names our hooks"):
            _include(repo, (), said)
        _take_all(repo, store, said)
        for name in ("hooks", settings.CHAIN):
            with suppress(OSError):
                delete_tree(os.path.join(store, name))
        for name in _FILES:
            _remove(os.path.join(store, name))
        for name in ("beat", "spool", *([_LOCK, ""] if fresh else [])):
            with suppress(OSError):  # the spool may hold unread notes
                _remove(os.path.join(store, name)) if name == _LOCK else os.rmdir(os.path.join(store, name))
    return said.done()


def effective_hooks(repo: Repo, cwd: str) -> list[Effective]:
    """Return what git runs for each of our events in the worktree cwd, our hooks and the user's."""
    here = repo.checkout(cwd)._replace(hooks=None)  # what git finds there by itself, not what our gits run
    directory = here.git("rev-parse", "--path-format=absolute", "--git-path", "hooks").text
    store = os.path.join(repo.common_dir, "git-agent")
    by_config = settings.configured_events(here) if git_version() >= settings.SINCE else set()
    found = [_effective(event, directory, store, here, by_config) for event in (*EVENTS, *GUARD)]
    return [each for each in found if each.event in EVENTS or each.scheme != "none"]


def installed_hooks(repo: Repo) -> tuple[str, ...]:
    """Name the hooks that uninstall_hooks() would remove."""
    found = effective_hooks(repo, repo.main_worktree or repo.common_dir)
    here = tuple(f"{each.event} in {each.path}" for each in found if each.scheme != "none")
    workers = os.path.join(repo.common_dir, "git-agent", "hooks")
    return here or ((workers,) if os.path.isdir(workers) else ())


def hooks_unlike_ours(repo: Repo, *, guard: bool) -> list[str]:
    """List the scripts that install_hooks() would write again: missing, changed, or not executable."""
    at = os.path.join(repo.common_dir, "git-agent", "hooks")
    paths = [(os.path.join(_sources(), name), os.path.join(at, name)) for name in _scripts(guard)]
    return [
        path for source, path in paths if read_or_empty(source) != read_or_empty(path) or not os.access(path, os.X_OK)
    ]


def hooks_forbidden(repo: Repo) -> str:
    """Return why no hook of ours may be where git looks for hooks in the main worktree; "" when it may."""
    return "" if git_version() >= settings.SINCE else settings.hook_directories(repo)[2]


def lost_beside(each: Effective) -> str | None:
    """Return the user's own hook that a file of ours runs after itself, if it is gone or not executable; else None."""
    path = each.path or ""
    if scripts.hook_kind(read_or_empty(path)) != "chained" or os.access(path + CHAINED, os.X_OK):
        return None
    return path + CHAINED


def _effective(event: str, directory: str, store: str, here: Checkout, by_config: set[str]) -> Effective:
    path = os.path.join(directory, event)
    runs = path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    if event in by_config:
        name = settings.GUARD if event in GUARD else settings.HOOKS
        return Effective(event, "config", os.path.join(store, name), runs, "")
    if runs and directory == os.path.join(store, settings.CHAIN):
        return _dispatched(event, path, store, here)
    kind = scripts.hook_kind(read_or_empty(path)) if runs else None
    if kind == "guest":
        return Effective(event, "block", path, path, "")
    if kind == "chained" and os.access(path + CHAINED, os.X_OK):
        return Effective(event, "chained", path, path + CHAINED, "")
    if kind:
        return Effective(event, "own file", path, None, "")
    if runs and scripts.runs_legacy(path):
        return Effective(event, "own file", path + ".legacy", path, "run by the hook that replaced it")
    return Effective(event, "none", runs, runs, "noticed at the next command")


def _dispatched(event: str, path: str, store: str, here: Checkout) -> Effective:
    beside = settings.hook_beside(store, here, event)
    runs = beside if os.path.isfile(beside) and os.access(beside, os.X_OK) else None
    return Effective(event, "workers'" if b"git-agent/hooks/" in read_or_empty(path) else "none", path, runs, "")


@contextmanager
def _locked(repo: Repo) -> Iterator[str]:
    """Hold the lock under which hooks are installed and removed; yield the store's directory."""
    store = private_dir(repo)
    fd = os.open(os.path.join(store, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        end = time.monotonic() + _PATIENCE
        while not try_hold(fd):
            if time.monotonic() >= end:
                raise AgentError("busy", "another git agent is installing hooks", "git agent init", exit=Exit.BUSY)
            import random

            time.sleep(random.uniform(0.002, 0.02))
        yield store
    finally:
        os.close(fd)


def _sources() -> str:
    """Return where our scripts are: in the package when installed from a wheel, beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(git_agent.__file__))
    inside = os.path.join(package, "hooks")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "hooks")


def _scripts(guard: bool) -> list[str]:
    return sorted(name for name in os.listdir(_sources()) if name[0] != "." and (guard or name not in GUARD))


def _script_files(store: str, guard: bool) -> list[str]:
    return [os.path.join(at, name) for at in (_sources(), os.path.join(store, "hooks")) for name in _scripts(guard)]


def _put_scripts(store: str, program: str, guard: bool, said: _Said) -> None:
    for name in ("hooks", "beat", "spool"):
        os.makedirs(os.path.join(store, name), mode=0o700, exist_ok=True)
    for name in _scripts(guard):
        content = read_or_empty(os.path.join(_sources(), name))
        if write_hook_file(os.path.join(store, "hooks", name), content, 0o755):
            said.changed.append(f"wrote git-agent/hooks/{name}")
    for name in () if guard else (*(f"hooks/{event}" for event in GUARD), "protected", "claims"):
        _remove(os.path.join(store, name))
    write_hook_file(os.path.join(store, "program"), os.fsencode(program) + b"\n", 0o600)
    # Our scripts do nothing without it. They don't ask for the database: the store may be elsewhere.
    write_hook_file(os.path.join(store, "enabled"), b"", 0o600)


def _include(repo: Repo, names: Sequence[str], said: _Said) -> None:
    if settings.put_includes(repo, names):
        said.changed.append("made the repository's config include " + (", ".join(names) or "none of our files"))


def _by_config(repo: Repo, store: str, guard: bool, said: _Said) -> list[str]:
    ours = [settings.HOOKS] + [settings.GUARD] * guard
    for name, events in ((settings.HOOKS, EVENTS), (settings.GUARD, GUARD)):
        if name in ours and settings.put_commands(repo, store, name, events):
            said.changed.append(f"wrote git-agent/{name}")
    _include(repo, ours, said)
    _take_all(repo, store, said)  # of an older git
    if not guard:
        _remove(os.path.join(store, settings.GUARD))
    return [os.path.join(store, name) for name in ours]


def _by_files(repo: Repo, store: str, guard: bool, said: _Said) -> list[str]:
    directories, shared, why = settings.hook_directories(repo)
    places = []
    if why:
        said.manual.append(why)
    else:
        places = _fill(store, directories[0], said)
    chain = guard or not shared
    if chain and settings.put_chain(repo, store, (*EVENTS, *(GUARD if guard else ()))):
        said.changed.append("wrote git-agent/chain")
    _include(repo, [settings.WORKERS] if chain else [], said)
    if not chain:
        _remove(os.path.join(store, settings.WORKERS))
        with suppress(OSError):
            delete_tree(os.path.join(store, settings.CHAIN))
    return places + [os.path.join(store, settings.WORKERS), os.path.join(store, settings.CHAIN)] * chain


def _fill(store: str, directory: str, said: _Said) -> list[str]:
    if not os.path.isdir(directory):
        os.makedirs(directory)
        write_hook_file(os.path.join(store, _MADE), os.fsencode(directory), 0o600)
    for event in EVENTS:
        path = os.path.join(directory, event)
        with said.refusing(f"{event} in {directory} does not run ours"):
            if scripts.add_to_hook(path, event):
                said.changed.append(f"added our part to {path}")
    # A new file changes the directory's modification time.
    return [directory, *(os.path.join(directory, name) for name in os.listdir(directory) if name.startswith(EVENTS))]


def _take_all(repo: Repo, store: str, said: _Said) -> None:
    for directory in {*settings.hook_directories(repo)[0], *stamped_directories(repo)}:
        for event in EVENTS:
            path = os.path.join(directory, event)
            with said.refusing(f"our part stays in {path}"):
                if scripts.remove_from_hook(path):
                    said.changed.append(f"removed our part from {path}")
        _remove_made(store, directory)


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _remove_made(store: str, directory: str) -> None:
    made = os.path.join(store, _MADE)
    if read_or_empty(made) == os.fsencode(directory):
        os.unlink(made)
        with suppress(OSError):  # it holds other files
            os.rmdir(directory)
