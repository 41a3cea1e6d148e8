"""Verbs and people's own git, in any order: each ends as the table says, and after each all is as it must be.

In the long form hypothesis seeks new sequences each time and prints how to do one again; in the short one they stay.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from git_agent.domain.task import State, Step
from tests.faults.expectation import DONE, REFUSED, SUPERSEDED, UNMERGED, Model
from tests.faults.whole import found, rows, wrong
from tests.faults.world import World, Worlds
from tests.sandbox import Sandbox

MOST = 4  # tasks
PLAIN = {
    "start": Step.START,
    "release": Step.RELEASE,
    "retry": Step.RETRY,
    "cancel": Step.CANCEL,
    "reopen": Step.REOPEN,
}
WITH_TEXT = {"fail": Step.FAIL, "request-changes": Step.REQUEST_CHANGES}
TASK = st.integers(1, MOST)


def with_tasks(sandbox: Sandbox) -> None:
    """Prepare a repository with a remote, and three tasks: ASSIGNED, WORKING with a commit, APPROVED."""
    forge = sandbox.path.parent / "forge.git"
    sandbox.git("init", "--quiet", "--bare", str(forge))
    sandbox.git("remote", "add", "origin", str(forge))
    sandbox.git("config", "agent.maxAttempts", "50")
    sandbox.agent("init", "--no-hooks")
    for task in (1, 2, 3):
        where = Path(sandbox.agent("spawn", f"Task {task}").out.strip())
        if task > 1:
            sandbox.commit(where, f"t{task}.txt", "0\n", "Work")
    for verb in ("done", "approve"):
        sandbox.agent(verb, "3")
    sandbox.agent("sync")


class Verbs(RuleBasedStateMachine):
    """Tasks in a repository, and beside each the model of it."""

    worlds: ClassVar[Worlds]

    @initialize()
    def begin(self) -> None:
        self.world: World = self.worlds.prepared(with_tasks)
        self.box = self.world.sandbox
        self.tasks: dict[int, Model] = {task: Model() for task in (1, 2, 3)}
        self.did: list[str] = []
        for task, model in self.tasks.items():
            self.begun(task, Step.SPAWN)
            if task > 1:
                model.committed()
        assert (self.tasks[3].hand_in(), self.tasks[3].approve()) == (DONE, DONE)

    def act(self, expected: int, *argv: str, cwd: Path | None = None) -> None:
        self.did.append(f"git agent {' '.join(argv)} -> {expected}")
        done = self.box.agent(*argv, cwd=cwd, exit=None)
        assert done.code == expected and "Traceback" not in done.err, "\n".join([*self.did, str(done)])

    def git(self, *argv: str, cwd: Path | None = None) -> None:
        self.did.append(f"git {' '.join(argv)}")
        self.box.git(*argv, cwd=cwd)

    def look(self) -> None:
        self.act(DONE, "sync")

    def row(self, task: int) -> dict[str, Any]:
        return rows(self.box, f"select * from task where id = {task}")[0]

    def where(self, task: int) -> Path:
        return Path(self.row(task)["worktree"])

    def model(self, task: int) -> Model | None:
        return self.tasks.get(task)

    @precondition(lambda self: len(self.tasks) < MOST)
    @rule(placed=st.booleans())
    def another(self, placed: bool) -> None:
        self.act(DONE, "spawn" if placed else "add", f"Task {len(self.tasks) + 1}")
        made = self.tasks[len(self.tasks) + 1] = Model()
        if placed:
            self.begun(len(self.tasks), Step.SPAWN)
        assert made.state is (State.ASSIGNED if placed else State.OPEN)

    def begun(self, task: int, step: Step) -> None:
        model = self.tasks[task]
        model.step(step)
        model.begin(str(self.where(task)))

    @rule(task=TASK, verb=st.sampled_from(["spawn", "claim", "reassign"]))
    def hand_out(self, task: int, verb: str) -> None:
        if (model := self.model(task)) is None:
            return
        open_, again = model.state is State.OPEN, verb == "reassign" and model.live
        fits = again if verb == "reassign" else open_
        self.act(DONE if fits else REFUSED, verb, str(task))
        if fits:
            self.begun(task, {"spawn": Step.SPAWN, "claim": Step.CLAIM, "reassign": Step.REASSIGN}[verb])

    @rule(task=TASK, verb=st.sampled_from(sorted({**PLAIN, **WITH_TEXT})))
    def step(self, task: int, verb: str) -> None:
        if (model := self.model(task)) is not None:
            text = ("-m", "Because") if verb in WITH_TEXT else ()
            self.act(model.step({**PLAIN, **WITH_TEXT}[verb]), verb, str(task), *text)

    @rule(task=TASK, verb=st.sampled_from(["done", "approve"]))
    def review(self, task: int, verb: str) -> None:
        if (model := self.model(task)) is not None:
            self.act(model.hand_in() if verb == "done" else model.approve(), verb, str(task))

    @rule(task=TASK)
    def onward(self, task: int) -> None:
        """Do what comes next, so that sequences get somewhere."""
        match (model := self.model(task)) and model.state:
            case State.OPEN:
                self.hand_out(task, "claim")
            case State.ASSIGNED:
                self.commit(task)
            case State.WORKING if model and (model.hold or not model.worked):
                self.commit(task)
                self.step(task, "start")
            case State.WORKING:
                self.review(task, "done")
            case State.IN_REVIEW:
                self.review(task, "approve")
            case State.APPROVED:
                self.merge(task)
            case State.FAILED:
                self.step(task, "retry")
            case State.COMPLETED | State.CANCELLED:
                self.step(task, "reopen")

    @rule(task=TASK)
    def question(self, task: int) -> None:
        if (model := self.model(task)) is not None:
            self.act(model.step(Step.ASK), "ask", "Which one?", "--task", str(task))

    @rule(task=TASK)
    def answer(self, task: int) -> None:
        if (model := self.model(task)) is not None:
            self.act(model.step(Step.ANSWER), "answer", str(task), "That one")

    @rule(task=TASK)
    def merge(self, task: int) -> None:
        if (model := self.model(task)) is not None:
            before = model.state
            self.act(model.merge(), "merge", str(task))
            if before is State.APPROVED and model.state is State.COMPLETED:
                self.retired(model, model.tree == "dirty")

    def retired(self, model: Model, kept: bool) -> None:
        if not kept:
            model.tree = model.branch = "gone"
            model.former, model.amiss = [], False

    @rule(task=TASK)
    def superseded(self, task: int) -> None:
        """Whoever worked before is told so, and changes nothing."""
        model = self.model(task)
        former = [Path(path) for path in model.former[:-1]] if model else []
        if former and former[0].is_dir():
            self.act(SUPERSEDED, "done", cwd=former[0])
            self.act(SUPERSEDED, "release", cwd=former[0])

    @rule(task=TASK)
    def commit(self, task: int) -> None:
        model = self.model(task)
        if model and model.live and model.branch == "there" and model.tree != "gone":
            self.box.commit(self.where(task), f"t{task}.txt", f"work {len(self.did)}\n", "Work")
            self.git("clean", "--quiet", "--force", cwd=self.where(task))
            model.committed()
            self.look()

    @rule(task=TASK)
    def litter(self, task: int) -> None:
        model = self.model(task)
        if model and model.tree == "clean" and model.attempt:
            self.box.write("litter.txt", "mine\n", cwd=self.where(task))
            model.tree = "dirty"

    @rule(task=TASK)
    def push(self, task: int) -> None:
        model = self.model(task)
        if model and model.live and model.branch == "there" and model.tree != "gone":
            self.git("push", "--quiet", "origin", "HEAD", cwd=self.where(task))
            model.arrived()
            self.look()

    @rule(task=TASK)
    def base_moves(self, task: int) -> None:
        """Somebody commits to the base what the task's work clashes with."""
        model = self.model(task)
        if model:
            self.box.commit(None, f"t{task}.txt", f"base {len(self.did)}\n", "Otherwise")
            model.rival = model.branch == "there"
            self.look()

    @rule(task=TASK, how=st.sampled_from(["merge", "squash"]))
    def land(self, task: int, how: str) -> None:
        """Somebody merges by hand."""
        model = self.model(task)
        if not model or model.state not in UNMERGED or not model.worked or model.clash or model.inside:
            return
        if model.branch != "there":
            return
        words = ("--no-ff", "--no-edit") if how == "merge" else ("--squash",)
        self.git("merge", "--quiet", *words, self.row(task)["branch"])
        if how == "squash":
            self.git("commit", "--quiet", "--message", "Squashed")
        model.landed(how)
        self.look()

    @rule(task=TASK, what=st.sampled_from(["worktree", "branch", "name"]))
    def by_hand(self, task: int, what: str) -> None:
        """Somebody takes away what is git agent's."""
        model = self.model(task)
        if not model or not model.live or model.tree == "gone" or model.branch != "there":
            return
        branch = self.row(task)["branch"]
        if what == "worktree":
            shutil.rmtree(self.where(task))
            model.tree = "gone"
        elif what == "branch":
            self.git("update-ref", "-d", f"refs/heads/{branch}")
            model.branch = "gone"
        else:
            self.git("branch", "--move", branch, f"mine/{task}-{len(self.did)}")
            model.branch = "gone"
        model.amiss = True
        self.look()

    @rule(task=TASK)
    def remove(self, task: int) -> None:
        model = self.model(task)
        if model is not None:
            self.act(REFUSED if model.live else DONE, "rm", str(task), "--force", "--unmerged")
            if not model.live:
                self.retired(model, kept=False)

    @invariant()
    def each_task_is_as_the_model_says(self) -> None:
        for task, model in getattr(self, "tasks", {}).items():
            row = self.row(task)
            seen = (row["state"], row["hold"], row["attempt"])
            assert seen == (model.state, model.hold, model.attempt), "\n".join(self.did)

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "box"):
            harmed = tuple(f"task {n} (" for n, model in self.tasks.items() if model.amiss)
            lines = [line for line in wrong(self.box, thorough=False) if not harmed or not line.startswith(harmed)]
            assert lines == [], "\n".join(self.did)

    def teardown(self) -> None:
        if hasattr(self, "box") and not any(model.amiss for model in self.tasks.values()):
            lines = [line for line in wrong(self.box) if "shows ??" not in line and ": twice " not in line]
            assert lines + found(self.box) == [], "\n".join(self.did)


@pytest.mark.rest
@pytest.mark.timeout(3600)
def test_verbs_in_any_order_end_as_the_table_says(worlds: Worlds, every_step: bool) -> None:
    Verbs.worlds = worlds
    examples, steps = (100, 50) if every_step else (4, 20)
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=not every_step,
        database=None,
        deadline=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink) if every_step else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Verbs, settings=settings)  # type: ignore[no-untyped-call]
