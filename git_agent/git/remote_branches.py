"""Find branches on remotes by their remote-tracking branches, ask where they are now, and delete them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from git_agent.git.push_check import NO_QUESTIONS
from git_agent.git.repo import HEADS, Repo
from git_agent.record import Record

_LIMIT_S = 60.0
_FETCHES = r"^remote\..*\.fetch$"
_REFUSED = "!"  # the flag of a ref that was not pushed, in the output of push --porcelain


class RemoteBranch(Record):
    """A branch on a remote.

    ref: the full name of its remote-tracking branch, which is at oid
    """

    remote: str
    branch: str
    ref: str
    oid: str

    @property
    def name(self) -> str:
        """Return how people name it: `origin/agent/1-fix-login`."""
        return f"{self.remote}/{self.branch}"


def possible_names(tracked: Collection[str]) -> set[str]:
    """Return what remote-tracking branches may be called on their remotes.

    tracked: their full names. The name of a remote may contain slashes, so every tail of a name is possible.
    """
    return {ref[at + 1 :] for ref in tracked for at, letter in enumerate(ref) if letter == "/"}


def find_remote_branches(repo: Repo, tracked: Mapping[str, str], branches: Collection[str]) -> list[RemoteBranch]:
    """List the branches of these names on all remotes, as far as remote-tracking branches show them.

    tracked: the oids of the remote-tracking branches, by full name.
    branches: names without refs/heads/.
    """
    names = possible_names(tracked).intersection(branches)
    if not names:
        return []
    fields = repo.git("config", "--null", "--get-regexp", _FETCHES, ok=(0, 1)).fields
    specs = [field.partition("\n")[::2] for field in fields if field]
    found = {
        (remote, branch): RemoteBranch(remote, branch, ref, tracked[ref])
        for key, spec in specs
        for branch in names
        if (ref := _tracking(spec, HEADS + branch)) in tracked
        for remote in [key.removeprefix("remote.").removesuffix(".fetch")]
    }
    return [found[key] for key in sorted(found)]


def _tracking(spec: str, ref: str) -> str:
    """Return where a fetch refspec puts a ref of the remote; "" if it does not cover that ref."""
    source, _, target = spec.removeprefix("+").partition(":")
    head, star, tail = source.partition("*")
    if not star:
        return target if source == ref else ""
    covers = ref.startswith(head) and ref.endswith(tail) and len(ref) >= len(head) + len(tail)
    return target.replace("*", ref[len(head) : len(ref) - len(tail)], 1) if covers else ""


def ask_remote(repo: Repo, remote: str, branches: Sequence[str]) -> dict[str, str]:
    """Ask a remote where these branches are now; return their oids. Those that it does not have are left out.

    Raises GitError when the remote can't be asked, AgentError git-slow (exit 6) after a minute.
    """
    asked = ("ls-remote", "--", remote, *(HEADS + branch for branch in branches))
    lines = repo.git(*asked, cwd=repo.remotes_from, env=NO_QUESTIONS, timeout=_LIMIT_S).text.splitlines()
    found = {ref: oid for oid, _, ref in (line.partition("\t") for line in lines)}
    return {branch: found[HEADS + branch] for branch in branches if HEADS + branch in found}


def delete_on_remote(repo: Repo, remote: str, expected: Mapping[str, str]) -> dict[str, str]:
    """Delete branches on a remote with one push, each only if it is at its expected oid; hooks run as in any push.

    expected: the oids, by branch.
    Returns why the others stay, by branch. Raises GitError when the push fails as a whole, AgentError git-slow (exit 6)
    after a minute.
    """
    leases = (f"--force-with-lease={HEADS}{branch}:{oid}" for branch, oid in expected.items())
    words = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", *leases, "--", remote)
    refs = (f":{HEADS}{branch}" for branch in expected)
    # A relative core.hooksPath begins there, too.
    done = repo.git(*words, *refs, cwd=repo.remotes_from, env=NO_QUESTIONS, timeout=_LIMIT_S, ok=(0, 1))
    rows = [line.split("\t") for line in done.text.splitlines() if line.count("\t") == 2]
    said = {names.rpartition(":")[2].removeprefix(HEADS): (flag, why) for flag, names, why in rows}
    silent = (_REFUSED, next(iter(done.err.splitlines()), "git did not say why"))  # a pre-push hook refused the push
    return {branch: why for branch in expected for flag, why in [said.get(branch, silent)] if flag == _REFUSED}
