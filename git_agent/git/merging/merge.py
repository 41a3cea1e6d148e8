"""Merge without touching any checkout; land.py moves the branch."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from git_agent.errors import refused
from git_agent.git import versions
from git_agent.git.merging.pairs import Tried, merge_pairs
from git_agent.git.merging.rebase import Conflict
from git_agent.git.merging.settings import MESSAGE_HOOKS, MergeSettings, hook_command
from git_agent.git.repo import Repo
from git_agent.git.run import Done, GitError, decode
from git_agent.git.signing import signer_error
from git_agent.git.worktrees.scratch import scratch
from git_agent.record import Record

_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z"
_ASIDE = r"~([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:_[0-9]+)?(?=/|$)"
_UNRELATED = "refusing to merge unrelated histories"


class Clean(Record):
    """A merge without conflicts: the oid of its tree."""

    tree: str


def try_merge(repo: Repo, base_oid: str, tip_oid: str) -> Clean | Conflict:
    """Merge tip into base (full oids) in memory; return the tree, or the paths that conflict.

    The base's .gitattributes apply (merge drivers, union), as when merging in a checkout of it.
    Raises AgentError unrelated-histories (exit 3).
    """
    args = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base_oid, tip_oid)
    with _attributes(repo, base_oid) as (before, where), _related(base_oid):
        done = repo.git(*before, *args, cwd=where or repo.common_dir, env=_env(where), ok=(0, 1))
    tree, *paths = done.fields
    if not re.match(_OID, tree):  # git also exits with 1 for a revision that it can't read
        raise GitError(("git", *args), done.status, done.err)
    if done.status == 0:
        return Clean(tree)
    return Conflict(tuple(dict.fromkeys(path for path in paths if path)))


def try_merges(
    repo: Repo,
    base_oid: str,
    pairs: Sequence[tuple[str, str]],
    progress: Callable[[int], None] | None = None,
    *,
    attributes: Sequence[str] | None = None,
) -> list[Conflict | None]:
    """Merge the second of each pair (full oids) into the first in memory; return the conflicts, None for none.

    base_oid: the commit whose .gitattributes apply.
    attributes: the paths of these files, if they are known: listing 20,000 files takes 15 ms.
    progress: as for merge_pairs.
    Commits without common history conflict, on no path. Paths are those of try_merge, except that a file which git
    would move aside (`name~<oid>`) is listed under its own name.
    """
    with _attributes(repo, base_oid, attributes) as (before, where):

        def tried(related: Sequence[tuple[str, str]]) -> list[Conflict | None]:
            found = merge_pairs(repo, related, *before, progress=progress, cwd=where or repo.common_dir)
            return [_conflict(pair, each) for pair, each in zip(related, found, strict=True)]

        try:
            return tried(pairs)
        except GitError as error:
            if _UNRELATED not in error.stderr:
                raise
        related = [pair for pair in pairs if repo.merge_base(*pair) is not None]
        found = dict(zip(related, tried(related), strict=True))
        return [found.get(pair, Conflict(())) for pair in pairs]


@contextmanager
def _related(base_oid: str) -> Iterator[None]:
    try:
        yield
    except GitError as error:
        if _UNRELATED not in error.stderr:
            raise
        says = "the branch and its base have no commit in common"
        hint = f"in the task's worktree: git rebase --root --onto {base_oid[:12]}"
        raise refused("unrelated-histories", says, hint) from error


def _conflict(pair: tuple[str, str], tried: Tried) -> Conflict | None:
    if tried.clean:
        return None
    return Conflict(tuple(dict.fromkeys(_own_name(path, pair) if "~" in path else path for path in tried.paths)))


def _own_name(path: str, pair: tuple[str, str]) -> str:
    """Return the name of a file or directory that git would move aside in merging a pair."""
    return re.sub(_ASIDE, lambda found: "" if found[1] in pair else found[0], path)


def has_merge_drivers(repo: Repo) -> bool:
    """Tell whether merging may run a program of the user's: merge.<name>.driver."""
    return repo.git("config", "--get-regexp", r"^merge\..*\.driver$", ok=(0, 1)).status == 0


def commit_merge(
    repo: Repo, tree: str, parents: Sequence[str], message: str, settings: MergeSettings, *, source: str = "merge"
) -> str:
    """Make a commit as git would: run the hooks of messages, clean the message up, sign if the user signs commits.

    settings: they name the worktree in which the hooks run; without one, the hooks run in the git directory.
    source: what prepare-commit-msg learns of the message: merge or squash.
    Returns its oid.
    Raises AgentError hook-refused (exit 3), with the hook's output as details, and not-signed.
    """
    where = settings.checkout
    run = partial(repo.git_in, where) if where else repo.git
    text = message.encode("utf-8", "surrogateescape").rstrip(b"\n") + b"\n"
    if settings.hooks.intersection(MESSAGE_HOOKS):
        text = _after_hooks(repo, tree, text, settings, source, run)
    cleaned = strip_space(text)
    if not cleaned:
        says = "the commit message is empty after the hooks prepare-commit-msg and commit-msg"
        raise refused("empty-message", says, "git rev-parse --git-path hooks, which prints where they are")
    sign = ("-S",) if settings.signs else ()
    given = tuple(each for parent in parents for each in ("-p", parent))
    encoding = ("-c", "i18n.commitEncoding=UTF-8")
    try:
        return run(*encoding, "commit-tree", *sign, *given, "-F", "-", tree, stdin=cleaned).text
    except GitError as error:
        raise (signer_error(run, error) if sign else None) or error from error


def strip_space(text: bytes) -> bytes:
    """Clean a message up as `git stripspace` does, whose start costs more than the work."""
    lines = b"\n".join(line.rstrip(b" \t\r") for line in text.split(b"\n")).strip(b"\n")
    return re.sub(rb"\n{3,}", b"\n\n", lines) + b"\n" if lines else b""


def merge_message(repo: Repo, branch: str, base: str, tip: str, where: str | None) -> str:
    """Return the message that `git merge branch` would write in a checkout of base, merge.log included.

    tip: the branch's full oid.
    where: the worktree that base is checked out in, None when in none.
    """
    line = f"{tip}\t\tbranch '{branch}' of .\n".encode("utf-8", "surrogateescape")
    if where:
        return repo.git_in(where, "fmt-merge-msg", "--into-name", base, stdin=line).text
    # The shortlog lists what HEAD lacks; it would be wrong when HEAD is another branch.
    own = repo.current_branch() == base
    log = () if own else ("-c", "merge.log=false")
    return repo.git(*log, "fmt-merge-msg", "--into-name", base, stdin=line).text


def _after_hooks(
    repo: Repo, tree: str, message: bytes, settings: MergeSettings, source: str, run: Callable[..., Done]
) -> bytes:
    """Run the hooks of messages. They find what will be committed in the index, as in git."""
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        path = os.path.join(root, "COMMIT_EDITMSG" if source == "squash" else "MERGE_MSG")
        env = {"GIT_INDEX_FILE": os.path.join(root, "index"), "GIT_EDITOR": ":"}
        repo.git("-c", "core.hooksPath=/dev/null", "read-tree", tree, env=env)
        with open(path, "xb") as file:
            file.write(message)
        for name, args in zip(MESSAGE_HOOKS, ((path, source), (path,)), strict=True):
            try:
                run(*hook_command(settings, name, *args), env=env)
            except GitError as error:
                says = f"the {name} hook refused the message"
                raise refused("hook-refused", says, "see what the hook said", error.details) from error
        with open(path, "rb") as file:
            return file.read()


@contextmanager
def _attributes(
    repo: Repo, base_oid: str, wanted: Sequence[str] | None = None
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    # merge-tree reads .gitattributes from the directory it runs in; ours has none.
    if versions.git_version() >= (2, 41, 0):
        yield (f"--attr-source={base_oid}",), None
        return
    if wanted is None:
        names = repo.git("ls-tree", "-r", "-z", "--name-only", base_oid).fields
        wanted = [name for name in names if name == ".gitattributes" or name.endswith("/.gitattributes")]
    if not wanted:
        yield (), None
        return
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        for name in wanted:
            os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(root, name), "wb") as file:
                file.write(repo.git("cat-file", "blob", f"{base_oid}:{decode(os.fsencode(name))}").out)
        yield (f"--work-tree={root}",), root


def _env(where: str | None) -> dict[str, str]:
    # Otherwise git would take the attributes of a missing file from the main worktree's index.
    return {"GIT_INDEX_FILE": os.path.join(where, ".no-index")} if where else {}
