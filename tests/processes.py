"""Which processes run, without procps: read from /proc, or told by `ps` where there is no /proc (macOS)."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def commands(pattern: str) -> dict[int, str]:
    """Map the processes whose command line matches somewhere, as for `pgrep -f`, to it; zombies have none."""
    return {pid: line for pid, (_, line) in _table().items() if re.search(pattern, line)}


def children(pid: int) -> list[int]:
    """List the direct children of a process."""
    return [child for child, (parent, _) in _table().items() if parent == pid]


def inside(directory: Path) -> dict[int, str]:
    """Map the processes whose working directory is in a directory to their command lines; nothing without /proc."""
    found = {}
    for pid in _pids():
        with suppress(OSError):
            if f"{os.readlink(PROC / f'{pid}/cwd')}/".startswith(f"{directory}/"):
                found[pid] = _command(pid)
    return {pid: line for pid, line in found.items() if line}


def _table() -> dict[int, tuple[int, str]]:
    """Map each process to its parent and its command line."""
    if not (PROC / "self").exists():
        said = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
        rows = (line.split(None, 2) for line in said.stdout.splitlines())
        return {int(row[0]): (int(row[1]), row[2] if len(row) > 2 else "") for row in rows}
    found = {}
    for pid in _pids():
        with suppress(OSError):  # it may end meanwhile
            parent = (PROC / f"{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()[1]
            found[pid] = (int(parent), _command(pid))
    return found


def _pids() -> list[int]:
    names = os.listdir(PROC) if (PROC / "self").exists() else []
    return [int(name) for name in names if name.isdecimal()]


def _command(pid: int) -> str:
    words = (PROC / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    return words.decode(errors="replace").rstrip(" ")
