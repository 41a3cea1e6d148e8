"""Keep what is not committed: a commit of everything modified and untracked, without touching index or files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence

from git_agent.files import temporary_root
from git_agent.git.discover import git_dir_of
from git_agent.git.place import Checkout
from git_agent.git.worktree_state import populated_links
from git_agent.record import Record

_STAGED = b"What was staged\n"


class Snapshot(Record):
    """What was kept.

    oid: the commit.
    staged: the tree of what was staged, None when nothing was.
    stages: staged is a tree of the stages of an unmerged index, `0/` to `3/`.
    """

    oid: str
    staged: str | None
    stages: bool


def take_snapshot(here: Checkout, message: str, also: Sequence[str] = ()) -> Snapshot:
    """Commit a worktree's uncommitted and untracked files on top of its HEAD, on no branch.

    message: the commit message.
    also: ignored files to keep, too, relative to the worktree.
    As in a stash, a second parent holds what was staged, if that is neither in HEAD nor in the commit itself.
    """
    head = here.git("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1)).text
    # Not in our own scratch directory: that takes the lock which a removal holds.
    with tempfile.TemporaryDirectory(prefix="git-agent-", dir=temporary_root(), ignore_cleanup_errors=True) as root:
        env = {"GIT_INDEX_FILE": os.path.join(root, "index")}
        here.git("read-tree", head or "--empty", env=env)
        _add_all(here, env)
        if also:
            given = "".join(f"{path}\0" for path in also).encode("utf-8", "surrogateescape")
            how = ("--force", "--pathspec-from-file=-", "--pathspec-file-nul")
            here.git("--literal-pathspecs", "add", *how, env=env, stdin=given)
        tree = here.git("write-tree", env=env).text
        staged, stages = _staged(here, root)
    parents = ["-p", head] if head else []
    differs = staged != _tree(here, head)
    if differs and staged != tree:
        parents += ["-p", here.git("commit-tree", *parents, "-F", "-", staged, stdin=_STAGED).text]
    oid = here.git("commit-tree", *parents, "-F", "-", tree, stdin=message.encode()).text
    return Snapshot(oid, staged if differs else None, stages)


def _add_all(here: Checkout, env: Mapping[str, str]) -> None:
    """Add everything to an index. git would run a status in each submodule, with the filters configured there."""
    links = populated_links(here, env["GIT_INDEX_FILE"])
    here.git("add", "--all", "--", ".", *(f":(exclude,top,literal){path}" for path in links), env=env)
    if links and here.git_dir is None:  # renamed aside, a submodule does not find its git directory
        given = "".join(f"{path}\0" for path in links).encode("utf-8", "surrogateescape")
        here.git("update-index", "-z", "--stdin", env=env, stdin=given)


def restage(here: Checkout, tree: str, *, stages: bool, intended: Sequence[str] = ()) -> None:
    """Restore the index of a worktree; its files stay as they are.

    tree, stages: from a Snapshot.
    intended: paths that only `git add --intent-to-add` had put there, which no tree holds.
    """
    if stages:
        entries = [field.partition("\t") for field in here.git("ls-tree", "-r", "-z", tree).fields if field]
        lines = [(*what.split()[::2], *name.split("/", 1)) for what, _, name in entries]
        here.git("read-tree", "--empty")
        _fill(here, [f"{mode} {oid} {stage}\t{path}" for mode, oid, stage, path in lines])
    else:
        here.git("read-tree", tree)
    if intended:
        given = "".join(f"{path}\0" for path in intended).encode("utf-8", "surrogateescape")
        how = ("--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
        here.git("--literal-pathspecs", "add", *how, stdin=given)
    here.git("update-index", "-q", "--refresh", ok=(0, 1))


def _staged(here: Checkout, root: str) -> tuple[str, bool]:
    """Write the index as a tree, from a copy: git would modify the original."""
    own = os.path.join(root, "own")
    import shutil

    shutil.copyfile(os.path.join(here.git_dir or git_dir_of(here.path) or "", "index"), own)
    env = {"GIT_INDEX_FILE": own}
    if not here.git("ls-files", "--unmerged", env=env).out:
        return here.git("write-tree", env=env).text, False
    fields = [f.partition("\t") for f in here.git("ls-files", "--stage", "-z", env=env).fields if f]
    env = {"GIT_INDEX_FILE": os.path.join(root, "stages")}
    lines = [(*what.split(), path) for what, _, path in fields]
    _fill(here, [f"{mode} {oid} 0\t{stage}/{path}" for mode, oid, stage, path in lines], env)
    return here.git("write-tree", "--missing-ok", env=env).text, True


def _fill(here: Checkout, lines: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    given = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
    here.git("update-index", "-z", "--index-info", env=env, stdin=given)


def _tree(here: Checkout, head: str) -> str | None:
    return here.git("rev-parse", f"{head}^{{tree}}").text if head else None
