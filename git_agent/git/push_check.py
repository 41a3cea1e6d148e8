"""Check whether a push arrived when no remote-tracking branch shows it: a URL, a single-branch clone, refs/for/*."""

from __future__ import annotations

import re

from git_agent.domain.spool_entry import RefUpdate
from git_agent.git.repo import Repo

_TIMEOUT_S = 60.0
# No person is there to answer: prompt on no terminal and in no window.
NO_QUESTIONS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
}
_SECRET = r"(?<=://)[^/@]*@"


def would_show(repo: Repo, remote: str, there: str) -> bool:
    """Tell whether a push to a remote's ref moves a remote-tracking branch: the fetch refspecs cover that ref."""
    done = repo.git("config", "--null", "--get-all", f"remote.{remote}.fetch", ok=(0, 1, 2))
    return any(_covers(spec.removeprefix("+").partition(":")[0], there) for spec in done.fields if ":" in spec)


def _covers(pattern: str, ref: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == ref
    return ref.startswith(head) and ref.endswith(tail) and len(ref) >= len(head) + len(tail)


def has_arrived(repo: Repo, remote: str, url: str, update: RefUpdate) -> bool:
    """Ask a remote whether it has the pushed commit at the ref that it was pushed to.

    remote: its name, or the URL when the push went to one.
    url: where git pushed to.
    update: the ref and the commit.
    A review server (refs/for/*) keeps no such ref: look for the commit among refs/changes instead.
    Raises AgentError when the remote can't be asked, exit 6 when it does not answer in time.
    """
    patterns = [update.there, *(["refs/changes/*"] if update.there.startswith("refs/for/") else [])]
    how = ("ls-remote", "--", url or remote)
    done = repo.git(*how, *patterns, cwd=repo.remotes_from, env=NO_QUESTIONS, timeout=_TIMEOUT_S)
    return any(line.partition("\t")[0] == update.oid for line in done.text.splitlines())


def shown_remote(remote: str) -> str:
    """Return a remote as it may be shown: without the password in its URL."""
    return re.sub(_SECRET, "", remote)
