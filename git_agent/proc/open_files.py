"""Which processes have a file open, and which git processes run where. Needs /proc."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from git_agent.proc import processes
from git_agent.record import Record

_OPTIONS = (b"-P", b"-X", b"utf8")  # with which bin/git-agent and cli/main.py start the interpreter


class Holder(Record):
    """A process that has a file open, or a git process.

    ours: it is git-agent; stopped: by a signal or a debugger; deleted: the open file was deleted
    """

    pid: int
    name: str
    ours: bool
    stopped: bool
    deleted: bool


def is_supported() -> bool:
    """Return whether this system shows which files are open."""
    return os.path.isdir("/proc/self/fd")


def find_holders(paths: Collection[str]) -> dict[str, list[Holder]]:
    """Return, for each of these files that other processes of this user have open, those processes.

    paths: absolute, with symbolic links resolved
    """
    found: dict[str, list[Holder]] = {}
    gone = {f"{path} (deleted)": path for path in paths}
    for pid in processes.list_pids():
        if pid == os.getpid():
            continue
        for link in set(_open_files(pid)):
            path = gone.get(link, link)
            if path in paths:
                found.setdefault(path, []).append(_describe(pid, deleted=link in gone))
    return found


def find_git_processes(places: Collection[str]) -> list[Holder]:
    """Return the git processes whose working directory is inside one of these directories.

    A git that only waits for its `git agent` is left out, because it holds no lock.
    """
    found = []
    for pid in processes.list_pids():
        name = _name(pid)
        if name == "git" or (name.startswith("git-") and name != "git-agent"):
            cwd, words = _link(f"/proc/{pid}/cwd"), _read(f"/proc/{pid}/cmdline").split(b"\0")
            if b"agent" not in words and any(
                cwd == place or cwd.startswith(place.rstrip("/") + "/") for place in places
            ):
                found.append(_describe(pid))
    return found


def _describe(pid: int, *, deleted: bool = False) -> Holder:
    process = processes.read_process(pid)
    words = [word for word in _read(f"/proc/{pid}/cmdline").split(b"\0") if word not in _OPTIONS]
    # Only the program, or the script that an interpreter runs: a path among the arguments may have our name, too.
    ours = not {b"git-agent", b"gitagent-python"}.isdisjoint(map(os.path.basename, words[:2]))
    return Holder(pid, _name(pid), ours, process is not None and process.is_stopped, deleted)


def _open_files(pid: int) -> Iterator[str]:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    yield from (_link(f"/proc/{pid}/fd/{name}") for name in names)


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _name(pid: int) -> str:
    return _read(f"/proc/{pid}/comm").decode("utf-8", "replace").strip()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(65536)
    except OSError:
        return b""
