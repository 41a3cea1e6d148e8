"""The rescue refs: what they hold, and when and why, as their logs say."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping, Sequence

from git_agent.git import history, refs
from git_agent.git.refs import FILES, RESCUE, TIP
from git_agent.git.repo import FORKS, HANDED_IN, HEADS, Repo
from git_agent.git.run import GitError, git
from git_agent.git.worktrees.registry import checkouts
from git_agent.record import Record

_FIRST = "--diff-merges=first-parent"  # the second one holds what was staged
_SAYS = "git-agent: "
_ENDS = 1000  # commits on one command line
_TRIES = 5  # another command may hand the same task in
_STASH = "refs/stash"
SNAPSHOT = "Uncommitted work of task "
"""How the subject of a commit of uncommitted files begins."""


class Kept(Record):
    """One rescue ref. at: ms since the epoch; None without a log, since git drops entries after gc.reflogExpire."""

    ref: str
    oid: str
    kind: str
    at: int | None
    subject: str


def list_rescues(repo: Repo, task: int | None = None) -> list[Kept]:
    """List the rescue refs by task and number, with two git commands however many there are.

    task: only those of this task; None: all.
    """
    prefix = RESCUE if task is None else f"{RESCUE}{task}/"
    rows = [line.split("\0") for line in _listed(repo, prefix) if line.count("\0") == 2]
    rows = [row for row in rows if _numbers(row[0]) is not None]
    logged = _logged(repo, prefix) if rows else {}
    found = [_kept(ref, oid, subject, logged.get(ref)) for ref, oid, subject in rows]
    return sorted(found, key=lambda each: parse_rescue_ref(each.ref))


def _listed(repo: Repo, prefix: str) -> list[str]:
    """List refs with their commits and subjects; if one can't be read, ask for each alone."""
    shape = "%(refname)%00%(objectname)%00"
    done = repo.git("for-each-ref", f"--format={shape}%(contents:subject)", prefix, ok=(0, 128))
    if done.status == 0:
        return done.text.splitlines()
    found = list[str]()
    for ref in repo.refs(prefix):
        each = repo.git("for-each-ref", f"--format={shape}%(contents:subject)", ref, ok=(0, 128))
        bare = each if each.status == 0 else repo.git("for-each-ref", f"--format={shape}(can't be read)", ref)
        found.append(bare.text)
    return found


def parse_rescue_ref(ref: str) -> tuple[int, int]:
    """Return the task and the number of a rescue ref. Raises ValueError for another ref."""
    found = _numbers(ref)
    if found is None:
        raise ValueError(f"not a rescue ref: {ref}")
    return found


def count_changed(repo: Repo, snapshots: list[str]) -> dict[str, int]:
    """Map snapshot commits (full oids) to the number of files in which they differ from their first parent."""
    if not snapshots:
        return {}
    given = "".join(f"{oid}\n" for oid in snapshots).encode()
    lines = repo.git("diff-tree", "--stdin", "-r", "--name-only", "-z", "--root", _FIRST, stdin=given).fields
    counts, now = dict.fromkeys(snapshots, 0), ""
    for line in lines:
        if line.strip() in counts:
            now = line.strip()
        elif now and line:
            counts[now] += 1
    return counts


def keep_handed_in(repo: Repo, task: int, oid: str) -> None:
    """Keep what was handed in or approved, whatever happens to the branch.

    oid: the commit, a full oid.
    What the ref held before is kept as a rescue, unless the new commit contains it.
    """
    ref = f"{HANDED_IN}{task}"
    for _ in range(_TRIES):
        old = refs.find_ref(repo, ref)
        if old == oid:
            return
        if old is not None and not repo.is_ancestor(old, oid):
            refs.keep_rescue(repo, task, old, "handed in before")
        with contextlib.suppress(refs.RefMoved):
            return refs.set_ref(repo, ref, oid, old, "git-agent: handed in")


def keep_logged(repo: Repo, task: int, git_dir: str, tips: Collection[str]) -> list[str]:
    """Keep the commits that only a worktree's own HEAD log or refs/worktree/ hold; return the rescue refs.

    git_dir: the worktree's git directory, with which they would go.
    tips: commits that branches are at. Runs no git where the worktree was at these only.
    Made on a detached HEAD, amended or reset away; one ref for each line of history.
    """
    found = [oid for oid in _logged_commits(git_dir) if oid not in tips]
    if not found:
        return []
    lost = _unreached(repo, found)
    ends = [oid for oid in found if oid in lost]
    if len(ends) > 1:
        ends = repo.git("merge-base", "--independent", *ends[:_ENDS]).text.split()
    return [refs.keep_rescue(repo, task, oid, "only in the worktree's HEAD log") for oid in ends]


def _unreached(repo: Repo, oids: Sequence[str]) -> set[str]:
    """Return those of the commits that no ref reaches, with their own history; without those that git can't read."""
    given = "".join(f"{oid}\n" for oid in oids).encode()
    try:
        return set(repo.git("rev-list", "--ignore-missing", "--stdin", "--not", "--all", stdin=given).text.split())
    except GitError:  # one of them lacks its parents
        return set() if len(oids) == 1 else {oid for each in oids for oid in _unreached(repo, [each])}


def _logged_commits(git_dir: str) -> list[str]:
    """List the commits that a worktree's HEAD has been at, newest first, and those of its own refs."""
    found = history.logged(os.path.join(git_dir, "logs", "HEAD"))
    if any(os.path.isdir(os.path.join(git_dir, name)) for name in (os.path.join("refs", "worktree"), "reftable")):
        found += git(
            "for-each-ref", "--format=%(objectname)", "refs/worktree/", git_dir=git_dir, cwd=git_dir
        ).text.split()
    return list(dict.fromkeys(found))


def delete_branch(repo: Repo, task: int, branch: str, oid: str) -> str | None:
    """Delete a branch that is at oid; return the rescue ref if its commits had to be kept, because nothing else did.

    Raises RefMoved when it is elsewhere.
    """
    ref = f"{HEADS}{branch}"
    kept = refs.keep_rescue(repo, task, oid) if only_there(repo, {ref: oid}) else None
    refs.delete_ref(repo, ref, oid)
    return kept


class TaskRefs(Record):
    """What the removal of a task asks of the refs.

    heads: the oids of all local branches, by name.
    stashed: whether there is a stash, of whatever branch.
    rescued: the task's rescue refs.
    own: those that keep its fork point and what was handed in; they go with the task.
    """

    heads: Mapping[str, str]
    stashed: bool
    rescued: Mapping[str, str]
    own: Mapping[str, str]


def read_task_refs(repo: Repo, task: int) -> TaskRefs:
    """Read what the removal of a task asks of the refs, with one git command."""
    rescued, own = f"{RESCUE}{task}/", (f"{FORKS}{task}", f"{HANDED_IN}{task}")
    found = repo.refs(HEADS, _STASH, rescued, *own)
    heads = {ref[len(HEADS) :]: oid for ref, oid in found.items() if ref.startswith(HEADS)}
    kept = {ref: oid for ref, oid in found.items() if ref.startswith(rescued)}
    return TaskRefs(heads, _STASH in found, kept, {ref: found[ref] for ref in own if ref in found})


def drop_refs(repo: Repo, task: int, own: Mapping[str, str], held: Collection[str]) -> list[str]:
    """Delete the refs that keep a task's fork point and what was handed in; return rescue refs for what only they kept.

    own: these refs and where they are; one that has moved since stays.
    held: commits that are kept already, full oids.
    """
    kept = list[str]()
    for ref, oid in own.items():
        if oid not in held and only_there(repo, {ref: oid}):
            kept.append(refs.keep_rescue(repo, task, oid, "handed in"))
        with contextlib.suppress(refs.RefMoved):
            refs.delete_ref(repo, ref, oid)
    return kept


def only_there(repo: Repo, oids: Mapping[str, str]) -> set[str]:
    """Return the commits that only the given refs keep: no branch, tag, stash, other ref or checkout holds them.

    oids: the commits, by the full names of the refs that hold them.
    Refs that go when their task is removed don't count.
    """
    listed = repo.git("for-each-ref", "--format=%(objectname) %(refname)").text
    rows = (line.split(" ", 1) for line in listed.splitlines())
    others = {oid for oid, ref in rows if ref not in oids and not ref.startswith((FORKS, HANDED_IN))}
    others |= {w.detached for w in checkouts(repo) if w.detached}
    given = "".join([*(f"{oid}\n" for oid in oids.values()), *(f"^{oid}\n" for oid in others)])
    found = repo.git("rev-list", "--ignore-missing", "--stdin", stdin=given.encode()).text
    return set(oids.values()) & set(found.split())


def _numbers(ref: str) -> tuple[int, int] | None:
    task, _, number = ref.removeprefix(RESCUE).partition("/")
    return (int(task), int(number)) if task.isdecimal() and number.isdecimal() else None


def _kept(ref: str, oid: str, subject: str, log: tuple[int, str] | None) -> Kept:
    kind = FILES if subject.startswith(SNAPSHOT) else TIP
    if log is None:
        return Kept(ref, oid, kind, None, subject)
    at, says = log
    return Kept(ref, oid, says.removeprefix(_SAYS) if says.startswith(_SAYS) else kind, at, subject)


def _logged(repo: Repo, prefix: str) -> dict[str, tuple[int, str]]:
    """Map refs to the time and the text of the oldest entry in their logs."""
    how = ("log", "--walk-reflogs", "--date=raw", "--format=%gD%x00%gs", f"--glob={prefix}*")
    found: dict[str, tuple[int, str]] = {}
    for line in repo.git(*how, ok=(0, 128)).text.splitlines():
        name, _, says = line.partition("\0")
        ref, _, when = name.partition("@{")
        seconds = when.partition(" ")[0]
        if seconds.isdecimal():
            found[ref] = (int(seconds) * 1000, says)
    return found
