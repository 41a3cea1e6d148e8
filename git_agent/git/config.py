"""Read agent.* from git's configuration and from a committed file; parse dates as git does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from git_agent.errors import AgentError
from git_agent.git.place import place_fault
from git_agent.git.repo import Repo
from git_agent.git.run import Done, GitError
from git_agent.record import Record

COLOUR_KEYS = ("color.agent", "color.ui")
_OURS = r"^(agent\.|color\.(agent|ui)$)"
HOOKS_AND_SIGNATURES = (
    r"^(core\.hookspath|commit\.gpgsign|merge\.verifysignatures|gpg\.mintrustlevel"
    r"|branch\..*\.mergeoptions|hook\..*\.(event|enabled))$"
)
"""What of git's own settings a merge asks for."""
_FILTERS = r"^filter\..*\.(clean|process)$"


class Value(Record):
    """One setting. scope: git's (system, global, local, worktree, command), or "committed"."""

    key: str
    value: str
    scope: str


def read_config(repo: Repo, cwd: str | None) -> list[Value]:
    """Return every agent.* setting that git knows, and git's own that we ask for, in git's order: the last one wins.

    cwd: a worktree whose own configuration applies, too; None: the repository's only.
    """
    return _own(_start_own(repo, cwd)())


def is_ours(value: Value) -> bool:
    """Tell whether a setting is one of agent.* or a colour, and not one of git's own."""
    return re.match(_OURS, value.key.lower()) is not None


def filter_drivers(values: Iterable[Value]) -> frozenset[str]:
    """Return the names of the drivers of the attribute `filter` that change what git stores of a file."""
    return frozenset(v.key.split(".", 1)[1].rpartition(".")[0] for v in values if v.key.startswith("filter."))


def runs_hook(values: Iterable[Value], event: str) -> bool:
    """Tell whether the configuration itself names a command for a hook (git 2.54, hook.<name>.event)."""
    return any(v.key.startswith("hook.") and v.key.endswith(".event") and v.value == event for v in values)


def read_config_blob(repo: Repo, rev_path: str) -> list[Value]:
    """Return the agent.* settings of a committed file, [] when there is none. Includes are not followed.

    rev_path: such as "main-worktree/HEAD:.gitagent".
    Raises AgentError bad-config when git can't parse it.
    """
    return _committed(repo, rev_path, blob_oid(repo, rev_path))


def start_reading(repo: Repo, cwd: str | None, rev_path: str) -> Callable[[], tuple[list[Value], list[Value]]]:
    """Start read_config() and read_config_blob() at once; return a function that waits and returns both results."""
    own, blob = _start_own(repo, cwd), _start_blob(repo, rev_path)
    return lambda: (_own(own()), _committed(repo, rev_path, _blob(repo, blob())))


def _start_own(repo: Repo, cwd: str | None) -> Callable[[], Done]:
    # All at once: a git for each of the three would cost every merge 4 ms.
    args = ("config", "--null", "--show-scope", "--get-regexp", "|".join((_OURS, HOOKS_AND_SIGNATURES, _FILTERS)))
    # A worktree with a configuration of the worker's counts as if it had none.
    ours = cwd is not None and place_fault(repo.common_dir, repo.main_worktree, cwd) is None
    return repo.checkout(cwd).start(*args, ok=(0, 1)) if cwd and ours else repo.start(*args, ok=(0, 1))


def _own(done: Done) -> list[Value]:
    fields = [] if done.status else done.fields
    return [_value(entry, scope) for scope, entry in zip(fields[::2], fields[1::2], strict=True)]


def _committed(repo: Repo, rev_path: str, oid: str | None) -> list[Value]:
    if oid is None:
        return []
    # Measured: git follows include.path even in a blob, but a committed file must not read others. A syntax error in
    # a blob makes git print one line and exit with the status of "nothing found".
    args = ("config", f"--blob={oid}", "--no-includes", "--null", "--get-regexp", _OURS)
    done = repo.git(*args, ok=(0, 1, 128))
    # GIT_TRACE and warnings write to stderr, too.
    if done.status == 128 or re.search(r"^(?:error|fatal): ", done.err, re.MULTILINE):
        error = GitError(("git", *args), done.status, done.err)
        raise AgentError("bad-config", error.message.replace(oid, rev_path), f"git show {rev_path}")
    return [_value(entry, "committed") for entry in _filled(done.fields)]


def blob_oid(repo: Repo, rev_path: str) -> str | None:
    """Return the oid of a committed file, None when there is none."""
    return _blob(repo, _start_blob(repo, rev_path)())


def blob_digest(repo: Repo, rev_path: str) -> str | None:
    """Return a hash that identifies the content of a committed file, None when there is none."""
    if (oid := blob_oid(repo, rev_path)) is None:
        return None
    import hashlib

    return hashlib.sha256(oid.encode()).hexdigest()


def _start_blob(repo: Repo, rev_path: str) -> Callable[[], Done]:
    return repo.start("rev-parse", "--verify", "--quiet", "--end-of-options", rev_path, ok=(0, 1, 128))


def _blob(repo: Repo, done: Done) -> str | None:
    if done.status or repo.git("cat-file", "-t", done.text).text != "blob":
        return None
    return done.text


def _value(entry: str, scope: str) -> Value:
    key, equals, value = entry.partition("\n")
    return Value(key, value if equals else "true", scope)  # a key without "=" is git's way to write true


def _filled(fields: Iterable[str]) -> list[str]:
    return [field for field in fields if field]


_NOW = ("now", "today")


def parse_date(repo: Repo, text: str) -> int | None:
    """Return the time that git understands a date as, in seconds since the epoch; None when it is not a date."""
    word = text.strip().lower()
    if not word or "\0" in word:
        return None
    # git 2.39 reads `today` as the current time, as it does everything that it does not understand.
    said = repo.git("rev-parse", f"--since={'midnight' if word == 'today' else text}").text
    found = int(said.removeprefix("--max-age="))
    return None if word not in _NOW and abs(found - time.time()) < 2 else found
