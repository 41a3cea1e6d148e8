"""Move refs, always from an expected old value (compare-and-swap)."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from git_agent.errors import AgentError, Exit, refused
from git_agent.git import history
from git_agent.git.config import Value, read_config, runs_hook
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError

RESCUE = "refs/git-agent/rescue/"
REPLACED = "refs/replace/"
TIP, FILES, REWRITTEN = "tip", "uncommitted files", "superseded by a rewrite"
_CREATED = "branch: Created by git agent"
_TRIES = 50


class RefMoved(AgentError):  # noqa: N818 - it says what happened
    """Raised when a ref is not at its expected old value; nothing has changed."""

    def __init__(self, ref: str, expected: str | None, found: str | None) -> None:
        short = ref.removeprefix(HEADS)
        says = f"is at {found[:12]}" if found else "does not exist"
        wanted = f"expected {expected[:12]}" if expected else "it must not exist yet"
        super().__init__("ref-moved", f"{short} {says}, {wanted}", "check what moved it, then try again")
        self.ref, self.expected, self.found = ref, expected, found


def create_ref(repo: Repo, ref: str, oid: str, message: str) -> None:
    """Create a ref.

    ref: its full name.
    oid: what it points to, a full oid.
    message: the text for its reflog.
    Raises RefMoved when it exists.
    """
    _swap(repo, ref, oid, None, "-m", message)


def update_ref(repo: Repo, ref: str, new: str, old: str, message: str) -> None:
    """Move a ref from old to new (full oids). Raises RefMoved when it is elsewhere."""
    _swap(repo, ref, new, old, "-m", message)


def set_ref(repo: Repo, ref: str, new: str | None, old: str | None, message: str) -> None:
    """Create, move or delete a ref.

    ref: its full name.
    new: what it will point to, a full oid; None deletes it.
    old: what it points to now, a full oid; None if there is none.
    message: the text for its reflog.
    Raises RefMoved when it is elsewhere.
    """
    if new is not None:
        _swap(repo, ref, new, old, "-m", message)
    elif old is not None:
        delete_ref(repo, ref, old)


def delete_ref(repo: Repo, ref: str, old: str) -> None:
    """Delete a ref that is at old (full oid). Raises RefMoved when it is elsewhere."""
    try:
        repo.git("update-ref", "--no-deref", "-d", _full(ref), old)
    except GitError as error:
        raise _moved(repo, ref, old) or error from error


def find_ref(repo: Repo, ref: str) -> str | None:
    """Return the oid that a ref (full name) points to, None when there is no such ref."""
    done = repo.git("rev-parse", "--verify", "--quiet", "--end-of-options", _full(ref), ok=(0, 1, 128))
    return done.text if done.status == 0 else None


def name_replacements(repo: Repo) -> str | None:
    """Name what makes git show other objects or less history than there is: replace refs, grafts, a shallow file."""
    number, grafts = len(repo.refs(REPLACED)), os.path.isfile(os.path.join(repo.common_dir, *history.GRAFTS))
    refs = "a replace ref" if number == 1 else f"{number} replace refs" if number else ""
    hidden = "the shallow file" if repo.shallow.hiding() else ""
    return " and ".join(filter(None, (refs, "grafts" if grafts else "", hidden))) or None


def clashing_branch(name: str, heads: Iterable[str]) -> str | None:
    """Return the existing branch that a new branch can't coexist with, None when there is none.

    That is one of the same name; one whose name is a directory of the other (git stores refs as files); or one that
    differs only in case or Unicode form, which macOS and Windows store in the same file.
    """
    return clashing_branches([name], heads).get(name)


def clashing_branches(names: Iterable[str], heads: Iterable[str]) -> dict[str, str]:
    """Map those new branches that can't coexist with an existing one to that one, as clashing_branch does."""
    held = {_folded(head): head for head in heads}
    inside = {above: head for folded, head in held.items() for above in directories_above(folded)}
    found = {}
    for name in names:
        new = _folded(name)
        above = (held[each] for each in directories_above(new) if each in held)
        if (other := held.get(new) or next(above, None) or inside.get(new)) is not None:
            found[name] = other
    return found


def directories_above(name: str) -> Iterator[str]:
    """Yield the directories above a path or a ref, the top first; of `a/b/`, also `a/b`."""
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def keep_rescue(repo: Repo, task: int, oid: str, what: str = TIP, *, known: Mapping[str, str] | None = None) -> str:
    """Keep a commit under refs/git-agent/rescue/<task>/<n>; return that ref (the latest one, if it holds oid already).

    what: TIP, FILES or REWRITTEN; recorded, with the time, in the ref's own log.
    known: the task's rescue refs, if the caller read them just now. Where there are more by now, they are read again.
    Raises AgentError rescue-busy (exit 6).
    """
    prefix = f"{RESCUE}{task}/"
    for _ in range(_TRIES):
        there, known = repo.refs(prefix) if known is None else known, None
        held = {int(ref[len(prefix) :]): at for ref, at in there.items() if ref[len(prefix) :].isdigit()}
        last = max(held, default=0)
        if held.get(last) == oid:
            return f"{prefix}{last}"
        try:
            _keep(repo, f"{prefix}{last + 1}", oid, what)
        except RefMoved:
            continue
        return f"{prefix}{last + 1}"
    raise AgentError("rescue-busy", f"could not find a free ref under {prefix}", "try again", exit=Exit.BUSY)


def _keep(repo: Repo, ref: str, oid: str, what: str) -> None:
    # git keeps no log of such refs unless asked. The time is explicit: the caller's GIT_COMMITTER_DATE may be wrong.
    log, now = ("--create-reflog", "-m", f"git-agent: {what}"), {"GIT_COMMITTER_DATE": f"@{int(time.time())} +0000"}
    _swap(repo, ref, oid, None, *log, env=now)


def create_branch(
    repo: Repo, name: str, oid: str, *, compared: bool = False, known: Sequence[Value] | None = None
) -> None:
    """Create a branch at oid, with pygit2 where it is loaded and can open the repository, else with update-ref.

    compared: whether the caller has just compared the name with the other branches, so that only a race is left, which
        git refuses itself.
    known: what git's configuration says about hooks, if it was read.
    Raises RefMoved when the branch exists, AgentError branch-clash when another branch stands in its way.
    """
    ref, message = HEADS + name, _CREATED
    if name.startswith("-") or name == "HEAD":
        raise _bad_branch(name)
    other = None if compared else clashing_branch(name, repo.tips())
    if other == name:
        raise RefMoved(ref, None, find_ref(repo, ref))
    if other is not None:
        raise refused("branch-clash", f"branch {name} can't coexist with branch {other}", "choose another name")
    if _by_pygit2(repo, ref, oid, message, known):
        return
    try:
        create_ref(repo, ref, oid, message)
    except GitError as error:
        if repo.git("check-ref-format", ref, ok=(0, 1)).status:
            raise _bad_branch(name) from error
        raise


def _bad_branch(name: str) -> AgentError:
    return AgentError("bad-branch", f"not a branch name: {name!a}", "git help check-ref-format", exit=Exit.USAGE)


def was_made_here(repo: Repo, branch: str) -> bool:
    """Tell from its reflog whether git agent made a branch in this repository; False for a branch without a log."""
    args = ("log", "--walk-reflogs", "--format=%gs", "--end-of-options", f"refs/heads/{branch}")
    return _CREATED in repo.git(*args, ok=(0, 128)).text.splitlines()


def _by_pygit2(repo: Repo, ref: str, oid: str, message: str, known: Sequence[Value] | None) -> bool:
    # Importing it takes 66 ms, as long as everything else that a spawn does in Python; update-ref takes 2.
    if "pygit2" not in sys.modules or _is_watched(repo, known):
        return False
    import pygit2

    try:
        opened = pygit2.Repository(repo.common_dir)
    except (pygit2.GitError, ValueError):  # SHA-256, reftable, an owner it mistrusts
        return False
    # libgit2 reads neither GIT_COMMITTER_* nor GIT_CONFIG_*; without this the reflog says "unknown <unknown>".
    person, _, email = repo.identity().rpartition(" <")
    if person and email:
        opened.set_ident(person, email.removesuffix(">"))
    try:
        opened.create_reference_direct(ref, oid, False, message=message)
    except pygit2.AlreadyExistsError as error:
        raise RefMoved(ref, None, find_ref(repo, ref)) from error
    except (pygit2.GitError, ValueError, KeyError, OSError):
        return False  # if anything is wrong, git explains it better
    return True


def _is_watched(repo: Repo, known: Sequence[Value] | None) -> bool:
    """Tell whether the user has a reference-transaction hook, which must see every branch; libgit2 runs none."""
    found = read_config(repo, None) if known is None else known
    if any(each.key == "core.hookspath" for each in found) or runs_hook(found, "reference-transaction"):
        return True
    return os.access(os.path.join(repo.common_dir, "hooks", "reference-transaction"), os.X_OK)


def _swap(repo: Repo, ref: str, new: str, old: str | None, *log: str, env: Mapping[str, str] | None = None) -> None:
    try:
        # No --create-reflog for branches: the user's core.logAllRefUpdates decides whether they have logs.
        repo.git("update-ref", *log, _full(ref), new, old or "0" * len(new), env=env)
    except GitError as error:
        raise _moved(repo, ref, old) or error from error


def _moved(repo: Repo, ref: str, expected: str | None) -> RefMoved | None:
    found = find_ref(repo, ref)
    return RefMoved(ref, expected, found) if found != expected else None


def _full(ref: str) -> str:
    if not ref.startswith("refs/"):
        raise ValueError(f"not a full ref name: {ref}")
    return ref


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
