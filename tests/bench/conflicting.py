"""What foreseeing conflicts costs: 30 branches of a large repository, each against its base and all others."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage, fill

BRANCHES, FILES, TOUCHED = 30, 20_000, 20
AUTHOR = "Ada Lovelace <ada@example.org> 1767322984 +0000"


def conflicts(stage: Stage) -> Iterator[str]:
    """The matrix cold, against git alone on the same pairs, and warm; and `status` with and without it."""
    stage = Stage(stage.root, {**stage.env, "TMPDIR": str(stage.root)})  # merges in memory leave their objects there
    repository = stage.repository("matrix", FILES)
    fill(stage, repository, live=BRANCHES)
    store = repository / ".git/git-agent/agent.db"
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE task SET state = 'WORKING' WHERE state = 'OPEN'")
    _work(stage, repository)
    listed = stage.run("git", "for-each-ref", "--format=%(objectname)", "refs/heads", cwd=repository).split()
    pairs = "".join(f"{a} {b}\n" for a, b in combinations(listed, 2)).encode()
    stage.run("git-agent", "list", cwd=repository)

    def forget(_: int = 0) -> None:
        with sqlite3.connect(store) as connection:
            connection.execute("DELETE FROM clash")

    def cold(_: int) -> None:
        stage.run("git-agent", "conflicts", cwd=repository)

    def alone(_: int) -> None:
        stage.run("git", "merge-tree", "--stdin", "-z", "--name-only", "--no-messages", cwd=repository, stdin=pairs)

    forget()
    yield line("conflicts, cold / git merge-tree", paired(cold, alone, rounds=5, after=forget), 1.5)
    for name, verb, target in (("conflicts, warm / list", "conflicts", 1.5), ("status, known / list", "status", None)):
        first, second = (stage.work("git-agent", each, cwd=repository) for each in (verb, "list"))
        stage.run("git-agent", "conflicts", cwd=repository)
        yield line(name, paired(first, second, rounds=15), target)
    forget()
    first, second = (stage.work("git-agent", each, cwd=repository) for each in ("status", "list"))
    yield line("status, nothing known / list", paired(first, second, rounds=15), None)


def _work(stage: Stage, repository: Path) -> None:
    """Give each branch a commit that changes some of the same 200 files."""
    chance, names = random.Random(1), stage.run("git", "ls-files", "src", cwd=repository).splitlines()[:200]
    commits = []
    for at in range(1, BRANCHES + 1):
        ref = f"refs/heads/agent/{at}-task-{at}"
        said = f"commit {ref}\ncommitter {AUTHOR}\ndata 5\nWork\nfrom {ref}^0\n"
        changed = (f"M 100644 inline {name}\ndata 8\nbranch{at % 10}\n" for name in chance.sample(names, TOUCHED))
        commits.append(said + "".join(changed))
    stage.run("git", "fast-import", "--quiet", "--force", cwd=repository, stdin="".join(commits).encode())


BENCHMARKS = {"conflicts": conflicts}
