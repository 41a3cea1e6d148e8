"""Where the benchmarks run: a sealed environment, and repositories of any size."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from git_agent.record import Record

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
# Sizes of files in real repositories: half of them below 2 kB, 4 kB on average.
_MEDIAN, _SPREAD = 2000, 1.177
_AUTHOR = "Ada Lovelace <ada@example.org> 1767322984 +0000"


class Stage(Record):
    """A scratch directory, and what is measured in it.

    env: the environment of everything that runs there
    quick: make small repositories and stores, to show that a row works
    most_rounds: run no row in more rounds than this
    peers: the programs of others, by name
    """

    root: Path
    env: dict[str, str]
    quick: bool = False
    most_rounds: int = 1000
    peers: Mapping[str, Path] = {}

    def rounds(self, number: int) -> int:
        """Return how many rounds to run, of `number` usually."""
        return min(number, self.most_rounds)

    def size(self, number: int, small: int) -> int:
        """Return how many things to make: `number`, or few when it must be quick."""
        return small if self.quick else number

    def run(self, *command: str | Path, cwd: Path | None = None, stdin: bytes | None = None, code: int = 0) -> str:
        """Run a program to its end; return what it printed. Its output goes through pipes, as it does for a script.

        code: the exit code that is expected
        """
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.root,
            env=self.env,
            input=stdin or b"",
            capture_output=True,
        )
        if done.returncode != code:
            raise SystemExit(f"{command}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def work(self, *command: str | Path, cwd: Path | None = None, code: int = 0) -> Callable[[int], None]:
        """Make one run of a program that can be measured."""

        def once(_: int) -> None:
            self.run(*command, cwd=cwd, code=code)

        return once

    def imports(self) -> Callable[[int], None]:
        """Make a run of what a command in Python needs at least; its time is the yardstick I of the goals."""
        return self.work(sys.executable, "-c", "import click, peewee")

    def plain(self, name: str, files: int = 3) -> Path:
        """Make a repository with one commit of some files, on branch main."""
        path = self.root / name
        self.run("git", "init", "--quiet", path)
        self.run("git", "fast-import", "--quiet", cwd=path, stdin=b"".join(_import(files)))
        self.run("git", "reset", "--hard", "--quiet", cwd=path)
        return path

    def repository(self, name: str, files: int = 3) -> Path:
        """Make a repository as `plain` does, and a store in it."""
        path = self.plain(name, files)
        self.run("git-agent", "init", cwd=path)
        return path

    def commit(self, where: Path, name: str, text: str = "work\n") -> None:
        """Commit one file in a worktree."""
        (where / name).write_text(text)
        self.run("git", "add", "--all", cwd=where)
        self.run("git", "commit", "--quiet", "--message", f"Write {name}", cwd=where)

    def all_at_once(self, commands: Sequence[Sequence[str | Path]], cwd: Path) -> None:
        """Run programs at the same time, to the end of the last. One that fails is started again at the end.

        `git worktree add` fails when it reads what another one is just making (`failed to read commondir`, git 2.39).
        """
        words = [[str(word) for word in command] for command in commands]
        running = [
            subprocess.Popen(each, cwd=cwd, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for each in words
        ]
        for process in running:
            process.communicate()
        for command, process in zip(words, running, strict=True):
            if process.returncode:
                self.run(*command, cwd=cwd)

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


def sealed(
    root: Path, *, quick: bool = False, most_rounds: int = 1000, peers: Mapping[str, Path] | None = None
) -> Stage:
    """Make a stage in an empty directory: no home, no configuration and no PYTHON* or GIT_* of who measures."""
    (root / ".gitconfig").write_text(CONFIG)
    outside = ("GIT_", "PYTHON", "XDG_", "LC_", "_GIT_AGENT")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    sealed = {"HOME": str(root), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    theirs = {"HCOM_DIR": str(root / "hcom"), "AGENTMESH_DATA_DIR": str(root / "agentmesh")}
    env |= {**sealed, **theirs, "GIT_CONFIG_GLOBAL": str(root / ".gitconfig")}
    return Stage(root, env, quick, most_rounds, peers or {})


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
