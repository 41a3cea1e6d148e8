"""The shallow file, and which of its lines hide history that is here.

`<common>/shallow` lists the commits whose parents a shallow clone lacks. git believes every line: log, merge-base and
merge see no history behind such a commit, and gc deletes it, even where all of it is here (measured: git 2.39; 2.55
without gc). A line that names no commit makes every git command fail. A worker can write that file, so our gits do
without such lines: what is here is history.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial

from git_agent.files import ensure_file, read_or_empty
from git_agent.git.history import SHALLOW, present
from git_agent.git.place import NO_FETCH
from git_agent.git.run import Done, GitError, git

# The empty name is git's own sign for "not shallow" (shallow.c).
_ALL_HISTORY = {**NO_FETCH, "GIT_SHALLOW_FILE": ""}
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_SHOWN_TO_GIT = os.path.join("git-agent", *SHALLOW)


class Shallow:
    """The shallow file of one repository. It is read again when it has changed, since some commands run for long."""

    def __init__(self, common_dir: str) -> None:
        self.path = os.path.join(common_dir, *SHALLOW)
        self._common = common_dir
        self._seen: tuple[int, ...] = ()
        self._hiding: Sequence[str] = ()
        self._env: Mapping[str, str] = {}

    def environment(self) -> Mapping[str, str]:
        """Return the variables with which git sees all history that is here; empty for almost every repository."""
        self._read()
        return self._env

    def hiding(self) -> Sequence[str]:
        """List the lines that our gits do without: commits whose history is here, and what names no commit."""
        self._read()
        return self._hiding

    def _read(self) -> None:
        try:
            found = os.stat(self.path)
        except OSError:
            self._seen, self._hiding, self._env = (), (), {}
            return
        seen = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if seen != self._seen:
            needed, self._hiding = _divided(self._common, read_or_empty(self.path).decode("ascii", "replace"))
            self._env = _without(self._common, needed) if self._hiding else {}
            if not self._env or not self._is_whole():
                self._hiding, self._env = (), {}
            self._seen = seen

    def _is_whole(self) -> bool:
        """Tell whether git can read all history behind the lines that it does without."""
        given = "".join(f"{line}\n" for line in self._hiding if re.fullmatch(_OID, line)).encode()
        try:
            _ask(self._common, "rev-list", "--quiet", "--ignore-missing", "--stdin", env=self._env, stdin=given)
        except GitError:
            return False
        return True


def _ask(common_dir: str, *args: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> Done:
    """Ask git, which sees all history unless env says otherwise, and fetches nothing."""
    return git(*args, git_dir=common_dir, cwd=common_dir, env={**_ALL_HISTORY, **(env or {})}, stdin=stdin)


def _divided(common_dir: str, text: str) -> tuple[list[str], list[str]]:
    """Return the lines that git needs because a parent of the commit is missing, and those that it can do without.

    In an ordinary shallow clone one git command tells that there are none of the latter.
    """
    lines = text.splitlines()
    oids = [line for line in lines if re.fullmatch(_OID, line)]
    ask = partial(_ask, common_dir)
    try:
        first = ask("cat-file", "--batch-check", stdin="".join(f"{oid}^1\n" for oid in oids).encode()).text
        suspects = [oid for oid, said in zip(oids, first.splitlines(), strict=True) if " commit " in said]
        parents = _parents(common_dir, suspects) if suspects else {}
        there = present(ask, {parent for found in parents.values() for parent in found})
    except (GitError, ValueError):  # a partial clone that may not fetch
        parents, there = {}, set()
    needed = [oid for oid in oids if oid not in parents or not there.issuperset(parents[oid])]
    return needed, [line for line in lines if line not in needed]


def _parents(common_dir: str, oids: Sequence[str]) -> dict[str, list[str]]:
    """Map the commits that are here to the parents that they name, whatever git makes of the shallow file."""
    given = "".join(f"{oid}\n" for oid in oids).encode()
    rest, found = _ask(common_dir, "cat-file", "--batch", stdin=given).out, dict[str, list[str]]()
    while rest:
        line, _, rest = rest.partition(b"\n")
        words = line.decode("ascii", "replace").split()
        if len(words) != 3 or not words[2].isdecimal():  # "<name> missing"
            continue
        size = int(words[2])
        headers = rest[:size].partition(b"\n\n")[0].decode("ascii", "replace").split("\n")
        rest = rest[size + 1 :]
        if words[1] == "commit":
            found[words[0]] = [text.removeprefix("parent ") for text in headers if text.startswith("parent ")]
    return found


def _without(common_dir: str, needed: Sequence[str]) -> Mapping[str, str]:
    """Return what makes git read only the lines that are needed; empty where the file for that can't be written."""
    if not needed:
        return {"GIT_SHALLOW_FILE": ""}
    path = os.path.join(common_dir, _SHOWN_TO_GIT)
    try:
        ensure_file(path, "".join(f"{oid}\n" for oid in needed).encode(), 0o600)
    except OSError:
        return {}
    return {"GIT_SHALLOW_FILE": path}
