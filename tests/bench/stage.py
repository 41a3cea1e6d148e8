"""Where the benchmarks run: a sealed environment, repositories of any size, stores filled without the command line."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CONFIG = """\
[user]
\tname = Ada Lovelace
\temail = ada@example.org
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""
LIVE = ("ASSIGNED", "WORKING", "IN_REVIEW", "WORKING", "OPEN")
# Sizes of files in real repositories: half of them below 2 kB, 4 kB on average.
_MEDIAN, _SPREAD = 2000, 1.177
_AUTHOR = "Ada Lovelace <ada@example.org> 1767322984 +0000"


@dataclass(frozen=True)
class Stage:
    """A scratch directory, and the environment of everything that is measured in it."""

    root: Path
    env: dict[str, str]

    def run(self, *command: str | Path, cwd: Path | None = None, stdin: bytes | None = None) -> str:
        """Run a program to its end; return what it printed. Its output goes through pipes, as it does for a script."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.root,
            env=self.env,
            input=stdin or b"",
            capture_output=True,
        )
        if done.returncode:
            raise SystemExit(f"{command}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def work(self, *command: str | Path, cwd: Path | None = None) -> Callable[[int], None]:
        """Make one run of a program that can be measured."""

        def once(_: int) -> None:
            self.run(*command, cwd=cwd)

        return once

    def repository(self, name: str, files: int = 3) -> Path:
        """Make a repository with one commit of some files, on branch main, and a store in it."""
        path = self.root / name
        self.run("git", "init", "--quiet", path)
        self.run("git", "fast-import", "--quiet", cwd=path, stdin=b"".join(_import(files)))
        self.run("git", "reset", "--hard", "--quiet", cwd=path)
        self.run("git-agent", "init", cwd=path)
        return path

    def branches(self, repository: Path, names: list[str]) -> list[str]:
        """Give each branch one commit of its own over main; return their tips."""
        commits = [
            f"commit refs/heads/{name}\ncommitter {_AUTHOR}\ndata 5\nWork\nfrom refs/heads/main\n"
            f"M 100644 inline work\ndata {len(name)}\n{name}\n"
            for name in names
        ]
        self.run("git", "fast-import", "--quiet", cwd=repository, stdin="".join(commits).encode())
        listed = self.run(
            "git", "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads", cwd=repository
        )
        tips = dict(line.split(" ") for line in listed.splitlines())
        return [tips[name] for name in names]


def sealed(root: Path) -> Stage:
    """Make a stage in an empty directory: no home, no configuration and no PYTHON* or GIT_* of who measures."""
    (root / ".gitconfig").write_text(CONFIG)
    outside = ("GIT_", "PYTHON", "XDG_", "LC_", "_GIT_AGENT")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    sealed = {"HOME": str(root), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    return Stage(root, {**env, **sealed, "GIT_CONFIG_GLOBAL": str(root / ".gitconfig")})


def fill(stage: Stage, repository: Path, *, live: int, finished: int = 0, events: int = 0) -> None:
    """Put tasks into a repository's store: live ones with branches and leases, finished ones, and events of all."""
    names = [f"agent/{at}-task-{at}" for at in range(finished + 1, finished + live + 1)]
    tips, base = stage.branches(repository, names), stage.run("git", "rev-parse", "main", cwd=repository)
    now = int(time.time() * 1000)
    tasks = [_task(at, "COMPLETED", now, base, None, None) for at in range(1, finished + 1)]
    for at, (name, tip) in enumerate(zip(names, tips, strict=True), finished + 1):
        tasks.append(_task(at, LIVE[at % len(LIVE)], now, base, name, tip))
    from git_agent.store.store import Store

    store = Store.open(str(repository / ".git" / "git-agent"), create=False)
    connection = store._database.connection()
    with store.transaction():
        connection.executemany(
            f"INSERT INTO task ({', '.join(tasks[0])}) VALUES ({_marks(tasks[0])})", map(_row, tasks)
        )
        leased = [(t["id"], "hand", now, now) for t in tasks if t["state"] in ("ASSIGNED", "WORKING")]
        connection.executemany("INSERT INTO lease (task, kind, beat_at, progress_at) VALUES (?, ?, ?, ?)", leased)
        happened = [(now, "task.beat", 1 + at % len(tasks), "Ada Lovelace", "{}") for at in range(events)]
        connection.executemany("INSERT INTO event (at, kind, task, actor, data) VALUES (?, ?, ?, ?, ?)", happened)
    store.close()


def _task(at: int, state: str, now: int, base: str, branch: str | None, tip: str | None) -> dict[str, object]:
    return {
        "id": at,
        "name": f"task-{at}",
        "name_key": f"task-{at}",
        "title": f"Task number {at} of the benchmark",
        "body": "What is to be done, in a few words.",
        "state": state,
        "priority": at % 5,
        "base": "main",
        "base_oid": base,
        "branch": branch,
        "head_oid": tip,
        "base_seen": base,
        "attempt": 1,
        "epoch": 1,
        "version": 1,
        "unresolved": 0,
        "worked": 1,
        "created_at": now,
        "state_at": now,
    }


def _marks(row: dict[str, object]) -> str:
    return ", ".join("?" * len(row))


def _row(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row.values())


def _import(files: int) -> Iterator[bytes]:
    """Yield git fast-import's input for one commit of text files in nested directories; always the same."""
    chance = random.Random(20260102)
    words = [f"{chance.randrange(16**9):x}" for _ in range(5000)]
    text = "".join(" ".join(chance.choices(words, k=9)) + "\n" for _ in range(20_000)).encode()
    yield f"commit refs/heads/main\ncommitter {_AUTHOR}\ndata 5\nBegin\n".encode()
    for at in range(files):
        size = min(int(chance.lognormvariate(0, _SPREAD) * _MEDIAN), len(text) // 2)
        begin = chance.randrange(len(text) // 2)
        place = f"src/part{at % 20}/unit{at // 20 % 25}/file{at}.txt"
        yield f"M 100644 inline {place}\ndata {size}\n".encode() + text[begin : begin + size] + b"\n"
