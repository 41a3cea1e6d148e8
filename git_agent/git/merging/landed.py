"""What a branch lands: the tree that merging it into its base gives, whatever the strategy."""

from __future__ import annotations

from git_agent.errors import AgentError
from git_agent.git.merging.fork import find_start, raise_what_may_pass
from git_agent.git.merging.merge import Clean, try_merge
from git_agent.git.merging.rebase import Conflict
from git_agent.git.repo import Repo
from git_agent.record import Record

# The dates are fixed, so that the same merge has the same name, which the cache of merges needs.
_NOBODY = {
    f"GIT_{who}_{what}": says
    for who in ("AUTHOR", "COMMITTER")
    for what, says in (("NAME", "git agent"), ("EMAIL", "git-agent@localhost"), ("DATE", "@0 +0000"))
}


class Sides(Record):
    """Two commits whose merge is what a branch lands.

    fork: their merge base, if it is not git's own
    empty: the branch has no commit of its own
    """

    base: str
    tip: str
    fork: str | None
    empty: bool


def sides(repo: Repo, base: str, tip: str, fork: str | None) -> Sides:
    """Return the commits to merge: base and tip, or copies of them with the fork point as their merge base.

    base, tip: full oids.
    fork: the fork point, a full oid.
    git before 2.40 can't be told the merge base, so the copies have it as their only parent.
    """
    start = find_start(repo, base, tip, fork)
    empty, lost = start.merge_base == tip, start.lost
    if lost is None:
        return Sides(base, tip, None, empty)
    return Sides(_commit(repo, f"{base}^{{tree}}", lost), _commit(repo, f"{tip}^{{tree}}", lost), lost, lost == tip)


def landed(repo: Repo, base: str, tip: str, fork: str | None) -> Clean | Conflict:
    """Merge a branch into its base in memory; every strategy lands this tree.

    base, tip: full oids.
    fork: the fork point, a full oid.
    Raises AgentError unrelated-histories (exit 3).
    """
    ends = sides(repo, base, tip, fork)
    return try_merge(repo, ends.base, ends.tip)


def lands_same(repo: Repo, base: str, one: str, other: str, fork: str | None) -> bool:
    """Tell whether two tips of a branch land the same tree; False if one conflicts, is missing or shares no commit.

    base, one, other: full oids.
    fork: the fork point, a full oid.
    Raises AgentError when it can't be known now.
    """
    try:
        first = landed(repo, base, one, fork)
        return isinstance(first, Clean) and first == landed(repo, base, other, fork)
    except AgentError as error:
        raise_what_may_pass(error)  # else an approval would end because the disk was full for a moment
        return False


def as_landed(repo: Repo, base: str, ends: Sides) -> str | None:
    """Return a commit for a branch with a lost fork point that can be merged with others; None if it conflicts.

    base: where its base is, a full oid.
    """
    made = try_merge(repo, ends.base, ends.tip)
    return _commit(repo, made.tree, base) if isinstance(made, Clean) else None


def _commit(repo: Repo, tree: str, parent: str) -> str:
    return repo.git("commit-tree", "-p", parent, "-m", "in memory", tree, env=_NOBODY).text
