"""What the user's configuration and hooks ask of a merge into a base."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from git_agent.git import versions
from git_agent.git.config import HOOKS_AND_SIGNATURES, Value
from git_agent.git.hooks.settings import SINCE, WORKERS
from git_agent.git.place import own_hooks
from git_agent.git.repo import Repo
from git_agent.record import Record

# The hook that judges the files: git merge --no-ff runs the first, git commit after git merge --squash the second. git
# runs none of them for a rebase or a fast-forward.
CONTENT_HOOKS = {"merge": "pre-merge-commit", "squash": "pre-commit"}
MESSAGE_HOOKS = ("prepare-commit-msg", "commit-msg")
# The letters of %G? in git-log(1); git merge accepts G only.
_WHY = {
    "N": "is not signed",
    "B": "has a bad signature",
    "U": "is signed with a key that is not trusted",
    "E": "has a signature that can't be checked",
    "X": "has a signature that has expired",
    "Y": "is signed with a key that has expired",
    "R": "is signed with a key that was revoked",
}
_VERIFY = {"--verify-signatures": True, "--no-verify-signatures": False}


class MergeSettings(Record):
    """What applies to merges into one base.

    checkout: the worktree that the base is checked out in, None when in none.
    hooks_dir: the directory of the user's hooks.
    hooks: the names of the hooks that there are.
    signs: whether to sign commits.
    verifies: whether the tip of a branch must be signed.
    min_trust: whether the user says how much to trust a key.
    """

    checkout: str | None
    hooks_dir: str
    hooks: frozenset[str]
    signs: bool
    verifies: bool
    min_trust: bool


def read_settings(repo: Repo, base: str, known: Sequence[Value] | None = None) -> MergeSettings:
    """Read what applies to merges into a branch, as git's configuration says where the branch is checked out.

    known: what the configuration of the current worktree says, if it was read. Only the main worktree and the
        repository itself share one; for any other place it is read there.
    """
    head = repo.head(base)
    checkout = head.worktree if head and head.worktree and os.path.isdir(head.worktree) else None
    shared = repo.git_dir == repo.common_dir and checkout in (None, repo.worktree)
    rows = [(v.key, v.value) for v in known] if known is not None and shared else _read_rows(repo, checkout)
    last = dict(rows)
    directory = _hooks_dir(repo, checkout, [value for key, value in rows if key == "core.hookspath"])
    return MergeSettings(
        checkout,
        directory,
        frozenset((*_files(directory), *_configured(rows))),
        _is_true(last.get("commit.gpgsign", "")),
        _verifies(last, base),
        "gpg.mintrustlevel" in last,
    )


def _read_rows(repo: Repo, checkout: str | None) -> list[tuple[str, str]]:
    asked = ("config", "--null", "--show-origin", "--get-regexp", HOOKS_AND_SIGNATURES)
    fields = (repo.git_in(checkout, *asked, ok=(0, 1)) if checkout else repo.git(*asked, ok=(0, 1))).fields
    rows = [(origin, *each.partition("\n")) for origin, each in zip(fields[::2], fields[1::2], strict=False)]
    return [(key, value if newline else "true") for origin, key, newline, value in rows if not _is_ours(origin)]


def _is_ours(origin: str) -> bool:
    """Tell whether a setting is ours, which names the hooks of workers' worktrees; those run the user's hooks, too."""
    return origin.endswith(f"/git-agent/{WORKERS}")


def _hooks_dir(repo: Repo, checkout: str | None, paths: Sequence[str]) -> str:
    """Return the directory of the user's hooks. A relative path starts at the main worktree: see own_hooks."""
    main = repo.main_worktree or repo.common_dir
    if not paths:
        return os.path.join(repo.common_dir, "hooks")
    path = os.path.expanduser(paths[-1])
    return own_hooks(path, main, checkout or main) or path


def _files(directory: str) -> list[str]:
    paths = {name: os.path.join(directory, name) for name in (*CONTENT_HOOKS.values(), *MESSAGE_HOOKS)}
    return [name for name, path in paths.items() if os.path.isfile(path) and os.access(path, os.X_OK)]


def _configured(rows: Sequence[tuple[str, str]]) -> list[str]:
    """List the events for which git's configuration names a hook (git 2.54)."""
    off = {key for key, value in rows if key.endswith(".enabled") and not _is_true(value)}
    found = [
        value for key, value in rows if key.endswith(".event") and key.removesuffix("event") + "enabled" not in off
    ]
    return found if found and versions.git_version() >= SINCE else []


def _verifies(last: Mapping[str, str], base: str) -> bool:
    try:
        words = shlex.split(last.get(f"branch.{base}.mergeoptions", ""))
    except ValueError:  # an open quote, of which git complains itself
        words = []
    said = [_VERIFY[word] for word in words if word in _VERIFY]
    return said[-1] if said else _is_true(last.get("merge.verifysignatures", ""))


def _is_true(value: str) -> bool:
    word = value.strip().lower()
    return word in ("true", "yes", "on") or (word.isdecimal() and int(word) != 0)


def hook_command(settings: MergeSettings, name: str, *args: str) -> tuple[str, ...]:
    """Return the arguments of git that run a hook from the user's directory, wherever git runs."""
    return ("-c", f"core.hooksPath={settings.hooks_dir}", "hook", "run", "--ignore-missing", name, "--", *args)


def unsigned(repo: Repo, oid: str, *, min_trust: bool) -> str | None:
    """Return why git would not accept the signature of a commit, None when it would.

    oid: the commit, a full oid.
    min_trust: whether gpg.minTrustLevel is set. Then it decides about trust, as in git: %G? does not know that key.
    """
    if min_trust and repo.git("verify-commit", "--end-of-options", oid, ok=(0, 1)).status == 0:
        return None
    letter = repo.git("log", "-1", "--format=%G?", "--end-of-options", oid, "--").text
    if letter == "G" and not min_trust:
        return None
    return _WHY.get(letter, "is signed with a key that is not trusted enough")
