"""What the index of a worktree knows that its status does not say: submodules, and files that git overlooks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.worktrees.scratch import scratch

_GITLINK = "160000 "


class Marked(NamedTuple):
    """A file whose changes git does not look for. entry: mode, oid, stage; flag: of update-index, ends it."""

    path: str
    entry: str
    flag: str


class Index(NamedTuple):
    """links: the paths of repositories: submodules, populated or not."""

    links: list[str]
    marked: list[Marked]


def read_index(worktree: str) -> Index:
    """Ask what the index of a worktree holds, with one process."""
    fields = git("ls-files", "-v", "--stage", "-z", cwd=worktree).fields
    links = [field.partition("\t")[2] for field in fields if field.startswith(_GITLINK, 2)]
    # git-ls-files(1): a small letter for what is assumed to be unchanged, S for what a sparse checkout leaves out.
    return Index(links, [_marked(field) for field in fields if field[:1].islower() or field[:1] == "S"])


def _marked(field: str) -> Marked:
    entry, _, path = field[2:].partition("\t")
    return Marked(path, entry, "--no-assume-unchanged" if field[0].islower() else "--no-skip-worktree")


def overlooked(repo: Repo, worktree: str, marked: Sequence[Marked]) -> list[Marked]:
    """Return those of the marked files that are there and differ from the index; two processes where any is there."""
    there = [each for each in marked if os.path.lexists(os.path.join(worktree, each.path))]
    if not there:
        return []
    # An index of these alone, without marks: in it git compares what is in the files, through filters and all.
    given = "".join(f"{each.entry}\t{each.path}\0" for each in there).encode("utf-8", "surrogateescape")
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        env = {"GIT_INDEX_FILE": os.path.join(root, "index")}
        git("update-index", "-z", "--index-info", cwd=worktree, env=env, stdin=given)
        changed = set(git("ls-files", "--modified", "-z", cwd=worktree, env=env).fields)
    return [each for each in there if each.path in changed]
