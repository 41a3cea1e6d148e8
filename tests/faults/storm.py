"""A storm: people and workers do at random what they do, each command a process, and many of these are struck."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.whole import rows
from tests.sandbox import Result, Sandbox

PATIENCE_S = 60.0  # for one command, however often it was stopped
STRUCK = 0.35  # of all commands
PAUSE_S = (0.02, 0.6)  # a stopped process stands still for so long
STALE_S = 5.0  # a lock that is older is nobody's
SCRIPT = "echo $$ >>ran.txt && git add ran.txt && git commit --quiet --message Ran && git rev-parse HEAD >>$0"
TEXT = "have a look at this, please"
# How often people and workers do what: handing out and handing in more often than calling off.
WEIGHTS = {
    **{"spawn": 5, "add": 3, "claim": 4, "work": 14, "push": 3, "done": 8, "approve": 9, "merge": 9, "land": 2},
    **{"request-changes": 2, "reassign": 2, "release": 2, "cancel": 2, "fail": 1, "retry": 2, "reopen": 1, "start": 2},
    **{"ask": 1, "answer": 2, "rm": 2, "clean": 2, "run": 2, "send": 3, "inbox": 3, "ack": 2, "sync": 1, "edit": 1},
}
STATES = {
    "done": ("ASSIGNED", "WORKING"),
    "work": ("ASSIGNED", "WORKING"),
    "run": ("ASSIGNED", "WORKING"),
    "approve": ("IN_REVIEW",),
    "merge": ("APPROVED",),
    "land": ("IN_REVIEW", "APPROVED"),
    "retry": ("FAILED",),
    "reopen": ("CANCELLED", "COMPLETED"),
    "rm": ("CANCELLED", "COMPLETED", "FAILED"),
}


def tidy(box: Sandbox, age_s: float) -> None:
    """Remove what git that was killed has left locked: it says itself that a person has to."""
    for left in (box.path / ".git").rglob("*.lock"):
        with suppress(OSError):
            if left.parent.name != "git-agent" and time.time() - left.stat().st_mtime >= age_s:
                left.unlink()


@dataclass
class Storm:
    """What goes on in one repository. commits: what workers made and git acknowledged; results: how commands ended."""

    box: Sandbox
    seed: int
    until: float = 0.0
    commits: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    _usual: float = 0.5  # seconds that a command takes here
    _hands: threading.Lock = field(default_factory=threading.Lock)

    def rage(self, actors: int, seconds: float) -> None:
        """Let so many act at once, for so long; return when all of them have ended."""
        self.until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._live, args=(number,)) for number in range(actors)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _live(self, number: int) -> None:
        chance = random.Random(f"{self.seed} {number}")
        try:
            while time.monotonic() < self.until:
                self._act(chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0], chance)
        except BaseException as error:
            self.errors.append(error)

    def _act(self, what: str, chance: random.Random) -> None:
        task = self._any(STATES.get(what, ()), chance)
        if chance.random() < 0.1:
            tidy(self.box, STALE_S)
        number = str(task["id"]) if task else "1"
        where = Path(task["worktree"]) if task and task["worktree"] else None
        if what == "spawn" and len(rows(self.box, "select id from task where state <> 'COMPLETED'")) > 40:
            what = "clean"
        if what == "work":
            self._commit(where, chance)
        elif what == "push":
            self._git(where, "push", "--quiet", "origin", "HEAD")
        elif what == "land":
            self._land(task["branch"] if task else None)
        elif what == "run":
            self._agent(chance, "run", number, "--", "sh", "-c", SCRIPT, str(self._ran))
        else:
            at = where if chance.random() < 0.3 else None
            self._agent(chance, *self._words(what, number, chance), where=at)

    def _words(self, what: str, task: str, chance: random.Random) -> list[str]:
        more = {
            "add": ["Queued"],
            "spawn": [f"Task {chance.randrange(1000)}"],
            "claim": [],
            "fail": [task, "-m", "No idea"],
            "request-changes": [task, "-m", "Again"],
            "ask": [TEXT, "--task", task],
            "answer": [task, "Yes"],
            "rm": [task, "--force", "--unmerged"],
            "clean": [],
            "send": [chance.choice([task, "@all", "@human", "#news"]), TEXT],
            "inbox": [],
            "ack": [str(chance.randrange(1, 60))],
            "sync": [],
            "edit": [task, "-p", str(chance.randrange(5))],
        }
        return [what, *more.get(what, [task])]

    def _any(self, states: tuple[str, ...], chance: random.Random) -> dict[str, object] | None:
        found = rows(self.box, "select id, state, branch, worktree from task order by id desc limit 40")
        fitting = [row for row in found if not states or row["state"] in states]
        return chance.choice(fitting or found) if fitting or found else None

    def _commit(self, where: Path | None, chance: random.Random) -> None:
        """Work as an agent does: it has done what git says it has done, whatever becomes of the task meanwhile."""
        if where is None or not where.is_dir():
            return
        with suppress(OSError):
            (where / f"{chance.randrange(4)}.txt").write_text(f"{chance.random()}\n")
            if self._git(where, "add", "--all") and self._git(where, "commit", "--quiet", "--message", "Work"):
                done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=where, capture_output=True, text=True)
                self.commits += done.stdout.split()

    def _land(self, branch: object) -> None:
        """A person merges by hand, in the checkout of the base."""
        with self._hands:
            if branch and not self._git(self.box.path, "merge", "--quiet", "--no-edit", str(branch)):
                self._git(self.box.path, "merge", "--abort")

    @property
    def _ran(self) -> Path:
        return self.box.path.parent / "ran"

    def all_commits(self) -> set[str]:
        """List what was committed, by agents that `run` started, too."""
        return {*self.commits, *(self._ran.read_text().split() if self._ran.exists() else ())}

    def _git(self, where: Path | None, *words: str) -> bool:
        if where is None or not where.is_dir():
            return False
        with suppress(OSError):  # the worktree may go at any moment
            return subprocess.run(["git", *words], cwd=where, capture_output=True, timeout=PATIENCE_S).returncode == 0
        return False

    def _agent(self, chance: random.Random, *words: str, where: Path | None = None) -> None:
        cwd = where if where is not None and where.is_dir() else self.box.path
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.monotonic()
            try:
                process = subprocess.Popen(
                    ["git-agent", *words], cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=0
                )
            except FileNotFoundError:
                return  # the worktree went meanwhile
            if chance.random() < STRUCK:
                self._strike(process, chance)
            process.wait(timeout=PATIENCE_S)
            if process.returncode == 0:
                self._usual += (time.monotonic() - began - self._usual) / 10
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read().decode(errors="backslashreplace"))
        self.results.append(Result(" ".join(words), said[0], said[1], process.returncode))

    def _strike(self, process: subprocess.Popen[bytes], chance: random.Random) -> None:
        """Strike at a command somewhere on its way; one that is stopped goes on after a while."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=chance.uniform(0, 1.2 * self._usual))
            return
        name = chance.choice(["KILL", "KILL", "TERM", "STOP", "GROUP"])
        self.struck[name] = self.struck.get(name, 0) + 1
        if name == "GROUP":  # git, too, in the middle of what it does
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.Signals[f"SIG{name}"])
        if name == "STOP":
            time.sleep(chance.uniform(*PAUSE_S))
            process.send_signal(signal.SIGCONT)
