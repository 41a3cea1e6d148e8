"""What a branch lands: the tree that merging it into its base gives, whatever the strategy."""

from __future__ import annotations

from git_agent.git.merging.fork import merge_base
from git_agent.git.merging.merge import Clean, try_merge
from git_agent.git.merging.rebase import Conflict
from git_agent.git.repo import Repo

# The dates are fixed, so that the same merge has the same name, which the cache of merges needs.
_NOBODY = {
    f"GIT_{who}_{what}": says
    for who in ("AUTHOR", "COMMITTER")
    for what, says in (("NAME", "git agent"), ("EMAIL", "git-agent@localhost"), ("DATE", "@0 +0000"))
}


def landed(repo: Repo, base: str, tip: str, fork: str | None) -> Clean | Conflict:
    """Merge a branch into its base in memory; every strategy lands this tree.

    base, tip: full oids.
    fork: the fork point, a full oid.
    Raises AgentError unrelated-histories (exit 3).
    """
    return try_merge(repo, *sides(repo, base, tip, fork))


def sides(repo: Repo, base: str, tip: str, fork: str | None) -> tuple[str, str]:
    """Return the two commits whose merge is what the branch lands: base and tip, or copies with another merge base.

    base, tip: full oids.
    fork: the fork point, a full oid.
    git before 2.40 can't be told the merge base, so the copies have it as their only parent.
    """
    start = merge_base(repo, base, tip, fork)
    if start is None or start != fork or repo.merge_base(base, tip) == start:
        return base, tip
    return _copy(repo, base, start), _copy(repo, tip, start)


def as_landed(repo: Repo, base: str, tip: str, fork: str | None) -> str:
    """Return a commit for the branch that can be merged with other branches of the base; the tip if it conflicts.

    base, tip: full oids.
    fork: the fork point, a full oid.
    """
    ends = sides(repo, base, tip, fork)
    made = try_merge(repo, *ends) if ends != (base, tip) else None
    return _commit(repo, made.tree, base) if isinstance(made, Clean) else tip


def _copy(repo: Repo, oid: str, parent: str) -> str:
    return _commit(repo, f"{oid}^{{tree}}", parent)


def _commit(repo: Repo, tree: str, parent: str) -> str:
    return repo.git("commit-tree", "-p", parent, "-m", "in memory", tree, env=_NOBODY).text
