"""Count the modules of `actions` that a verb enters, and print a table: python -m tests.journeys [-v].

Each verb runs once in a throwaway repository with a profile function; a module counts when one of its functions is
called, not when it is imported. With -v the modules are listed in the order in which they are entered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.stage import Stage, sealed

# The most modules that a reader should have to enter, and how many there were when each function had its own.
LIMITS = {"merge 1": (20, 36), "merge --all": (24, 42), "undo": (16, 27), "send 4 hello": (10, 17)}

TRACED = """
import json, os, sys
entered = {}
def seen(frame, event, arg):
    name = frame.f_code.co_filename
    # Modules and classes run once, when they are imported; only functions have CO_OPTIMIZED.
    if event == "call" and "/git_agent/actions/" in name and frame.f_code.co_flags & 1:
        entered[name.rpartition("/git_agent/actions/")[2]] = None
from git_agent.cli import main
sys.setprofile(seen)
try:
    main.run()
finally:
    sys.setprofile(None)
    with open(os.environ["JOURNEY"], "w") as file:
        json.dump(list(entered), file)
"""


def followed(stage: Stage, repository: Path, verb: str) -> list[str]:
    """Run a verb in a repository where nothing is to be caught up on; return the modules of `actions` it entered."""
    stage.run("git-agent", "sync", cwd=repository)
    out = stage.root / "journey.json"
    subprocess.run(
        [sys.executable, "-c", TRACED, *verb.split()],
        cwd=repository,
        env={**stage.env, "JOURNEY": str(out), "GIT_AGENT_HOOKS": "0", "PYTHONPATH": str(Path(__file__).parents[1])},
        check=True,
        capture_output=True,
    )
    found: list[str] = json.loads(out.read_text())
    return found


def prepared(stage: Stage) -> Path:
    """Make a repository with three approved tasks and one that is assigned."""
    repository = stage.repository("journeys")
    for number in range(1, 4):
        spawned = json.loads(stage.run("git-agent", "spawn", "--json", f"Task {number}", cwd=repository))
        tree = Path(spawned["task"]["worktree"])
        (tree / f"file{number}").write_text(f"{number}\n")
        stage.run("git", "add", ".", cwd=tree)
        stage.run("git", "commit", "--quiet", "--message", f"Task {number}", cwd=tree)
        stage.run("git-agent", "done", cwd=tree)
        stage.run("git-agent", "approve", str(number), cwd=repository)
    stage.run("git-agent", "spawn", "Task 4", cwd=repository)
    return repository


def main() -> int:
    """Print the table; return 1 when a verb enters more modules than its limit."""
    with tempfile.TemporaryDirectory(prefix="git-agent-journeys-") as scratch:
        stage = sealed(Path(scratch).resolve())
        repository = prepared(stage)
        found = {verb: followed(stage, repository, verb) for verb in LIMITS}
    for verb, modules in found.items():
        limit, before = LIMITS[verb]
        print(f"{verb:<14}{len(modules):>4} modules, at most {limit}, {before} before")
        if "-v" in sys.argv:
            print("".join(f"    {module}\n" for module in modules), end="")
    return int(any(len(modules) > LIMITS[verb][0] for verb, modules in found.items()))


if __name__ == "__main__":
    sys.exit(main())
