"""Read agent.* from git's configuration, and from a committed file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from git_agent.errors import AgentError
from git_agent.git.repo import Repo
from git_agent.git.run import GitError, git

_OURS = r"^agent\."


@dataclass(frozen=True, slots=True)
class Value:
    """One setting; scope is git's (system, global, local, worktree, command), or committed."""

    key: str
    value: str
    scope: str


def read(repo: Repo, cwd: str | None) -> list[Value]:
    """Return every agent.* setting that git knows, in file order, so that the last one counts.

    cwd: a worktree whose own configuration counts too; None: the repository's only.
    """
    args = ("config", "--null", "--show-scope", "--get-regexp", _OURS)
    done = git(*args, cwd=cwd, ok=(0, 1)) if cwd else repo.git(*args, ok=(0, 1))
    fields = [] if done.status else done.fields
    return [_value(entry, scope) for scope, entry in zip(fields[::2], fields[1::2], strict=True)]


def read_blob(repo: Repo, rev_path: str) -> list[Value]:
    """Return the agent.* settings of a committed file ("main-worktree/HEAD:.gitagent"), [] without it.

    Raise AgentError bad-config when git can't parse it. Includes are not followed.
    """
    oid = blob_oid(repo, rev_path)
    if oid is None:
        return []
    # Measured: git follows include.path even in a blob; a committed file must not read others. And of a syntax
    # error in a blob it says only a line, with the status of "nothing found".
    args = ("config", f"--blob={oid}", "--no-includes", "--null", "--get-regexp", _OURS)
    done = repo.git(*args, ok=(0, 1, 128))
    if done.err or done.status == 128:
        error = GitError(("git", *args), done.status, done.err)
        raise AgentError("bad-config", error.message.replace(oid, rev_path), f"git show {rev_path}")
    return [_value(entry, "committed") for entry in _filled(done.fields)]


def blob_oid(repo: Repo, rev_path: str) -> str | None:
    """Return the oid of a committed file, None when there is none."""
    done = repo.git("rev-parse", "--verify", "--quiet", "--end-of-options", rev_path, ok=(0, 1, 128))
    if done.status or repo.git("cat-file", "-t", done.text).text != "blob":
        return None
    return done.text


def _value(entry: str, scope: str) -> Value:
    key, equals, value = entry.partition("\n")
    return Value(key, value if equals else "true", scope)  # a key without "=" is git's way to write true


def _filled(fields: Iterable[str]) -> list[str]:
    return [field for field in fields if field]
