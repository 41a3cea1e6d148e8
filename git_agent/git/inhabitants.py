"""Who lives in a directory: processes whose current directory is inside."""

from __future__ import annotations

import os


def inhabitants(path: str, *, exclude_ancestors: bool = True) -> list[tuple[int, str]]:
    """List pid and command of processes whose current directory is inside path, ourselves never.

    Reads /proc, so it is empty where there is none (macOS), and blind to other users' processes.
    exclude_ancestors: leave out the shell that started us, which often stands there; the git that did never counts.
    """
    real = os.path.realpath(path)
    started_by_git = [os.getppid()] if _command(str(os.getppid())).startswith("git ") else []
    spared = {os.getpid(), *started_by_git, *(_ancestors() if exclude_ancestors else ())}
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not name.isdigit() or int(name) in spared:
            continue
        try:
            cwd = os.readlink(f"/proc/{name}/cwd").removesuffix(" (deleted)")
        except OSError:
            continue
        if cwd == real or cwd.startswith(real + "/"):
            found.append((int(name), _command(name)))
    return sorted(found)


def _command(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read().rstrip(b"\0").replace(b"\0", b" "))
    except OSError:
        return ""


def _ancestors() -> list[int]:
    found, pid = [], os.getppid()
    while pid > 1:
        found.append(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found
