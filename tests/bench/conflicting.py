"""What foreseeing conflicts costs: 30 branches of a large repository, each against its base and all others."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from tests.bench import history
from tests.bench.measure import Work, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

BRANCHES, FILES, TOUCHED = 30, 20_000, 20
COLD = Row("conflicts of 30 branches, 20,000 files, cold", Goal(1.3, (("git", 1.0), ("I", 1.0))))
WARM = Row("conflicts of 30 branches, warm", Goal(1.5, (("list", 1.0),)))
KNOWN, UNKNOWN = Row("status, all conflicts known"), Row("status, no conflict known")
AUTHOR = "Ada Lovelace <ada@example.org> 1767322984 +0000"


def conflicts(stage: Stage) -> Iterator[Result]:
    """The matrix cold, against git alone on the same pairs, and warm; and `status` with and without it.

    The tasks have no worktrees: 30 with 20,000 files take minutes to make, and only branches are merged.
    """
    stage = stage._replace(env={**stage.env, "TMPDIR": str(stage.root)})  # merges in memory leave their objects there
    branches = stage.size(BRANCHES, 5)
    repository = stage.repository("matrix", stage.size(FILES, 300))
    history.add_branches(stage, repository, branches)
    store = repository / ".git/git-agent/agent.db"
    _work(stage, repository, branches)
    listed = stage.run("git", "for-each-ref", "--format=%(objectname)", "refs/heads", cwd=repository).split()
    pairs = "".join(f"{a} {b}\n" for a, b in combinations(listed, 2)).encode()
    stage.run("git-agent", "list", cwd=repository)

    def forget(_: int = 0) -> None:
        with sqlite3.connect(store) as connection:
            connection.execute("DELETE FROM clash")

    def alone(_: int) -> None:
        stage.run("git", "merge-tree", "--stdin", "-z", "--name-only", "--no-messages", cwd=repository, stdin=pairs)

    def verb(name: str) -> Work:
        return stage.work("git-agent", name, cwd=repository)

    forget()
    works = {OURS: verb("conflicts"), "git": alone, "I": stage.imports()}
    yield compared(COLD, in_turns(works, rounds=stage.rounds(9), after=forget))
    stage.run("git-agent", "conflicts", cwd=repository)
    for row, name in ((WARM, "conflicts"), (KNOWN, "status")):
        costs = in_turns({OURS: verb(name), "list": verb("list")}, rounds=stage.rounds(11))
        yield compared(row, costs, against=("list",))
    forget()
    costs = in_turns({OURS: verb("status"), "list": verb("list")}, rounds=stage.rounds(11))
    yield compared(UNKNOWN, costs, against=("list",))


def _work(stage: Stage, repository: Path, branches: int) -> None:
    """Give each branch a commit that changes some of the same 200 files."""
    chance, names = random.Random(1), stage.run("git", "ls-files", "src", cwd=repository).splitlines()[:200]
    commits = []
    for at in range(1, branches + 1):
        ref = f"refs/heads/agent/{at}-task-{at}"
        said = f"commit {ref}\ncommitter {AUTHOR}\ndata 5\nWork\nfrom {ref}^0\n"
        changed = (f"M 100644 inline {name}\ndata 8\nbranch{at % 10}\n" for name in chance.sample(names, TOUCHED))
        commits.append(said + "".join(changed))
    stage.run("git", "fast-import", "--quiet", "--force", cwd=repository, stdin="".join(commits).encode())


BENCHMARKS = {"conflicts": Benchmark((COLD, WARM, KNOWN, UNKNOWN), conflicts)}
