"""agent.guard: what it refuses to workers, and that it refuses nothing else, to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.hooks.crowd import BRANCH, Scene, eventually
from tests.hooks.crowd import newer_git as newer_git
from tests.hooks.crowd import scene as scene
from tests.hooks.crowd import scenes as scenes
from tests.sandbox import Result


@pytest.fixture
def guarded(scene: Scene) -> Scene:
    """Return a scene whose guard was switched on in git's configuration, as the next command noticed."""
    scene.sandbox.git("config", "agent.guard", "true")
    scene.sandbox.agent("list")
    return scene


@pytest.fixture
def superseded(guarded: Scene) -> Scene:
    """Return a guarded scene whose task 1 was given to another worker."""
    guarded.sandbox.agent("reassign", "1")
    guarded.sandbox.agent("list")
    return guarded


def commit(scene: Scene, cwd: Path | None, *args: str) -> Result:
    return scene.sandbox.run("git", "commit", "--allow-empty", "--quiet", "-m", "x", *args, cwd=cwd)


def tips(scene: Scene) -> str:
    return scene.sandbox.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")


def ours(scene: Scene) -> dict[str, bytes]:
    """Return git's configuration, the hooks, and all of ours but the store and the stamp of what was put in when."""
    files = [p for p in scene.agent.rglob("*") if p.is_file() and not p.name.startswith(("agent.db", "stamp"))]
    files += [scene.sandbox.path / ".git/config", *(scene.sandbox.path / ".git/hooks").iterdir()]
    return {str(path): path.read_bytes() for path in files}


# Superseded workers


def test_a_commit_on_a_superseded_branch_is_refused_with_a_way_out(superseded: Scene) -> None:
    before = tips(superseded)
    said = commit(superseded, superseded.worker)
    assert said.code == 1
    assert "git agent: task 1 is no longer this worktree's (attempt 1): git agent show 1\n" in said.err
    assert f"error: '{BRANCH}' belongs to a superseded attempt: agent.guard refuses to move it\n" in said.err
    assert "hint: to keep this work: git switch -c NAME, then commit there\n" in said.err
    assert tips(superseded) == before


@pytest.mark.parametrize(
    "how",
    [
        ["commit", "--allow-empty", "--no-verify", "-m", "x"],
        ["update-ref", f"refs/heads/{BRANCH}", "HEAD~1"],
        ["reset", "--soft", "HEAD~1"],
        ["merge", "--quiet", "--no-ff", "-m", "x", "agent/2-add-logout"],
        ["rebase", "--quiet", "agent/2-add-logout"],
    ],
    ids=lambda how: " ".join(how[:3]),
)
def test_no_other_way_moves_a_superseded_branch(superseded: Scene, how: list[str]) -> None:
    superseded.add(superseded.second, "logout.py", "one\n")
    before = tips(superseded)
    said = superseded.sandbox.run("git", *how, cwd=superseded.worker)
    assert said.code != 0 and "agent.guard refuses to move it" in said.err, said
    assert tips(superseded) == before


def test_a_superseded_worker_keeps_its_work_on_a_branch_of_its_own(superseded: Scene) -> None:
    superseded.sandbox.git("switch", "--quiet", "--create", "kept", cwd=superseded.worker)
    assert commit(superseded, superseded.worker).code == 0
    assert superseded.sandbox.git("rev-parse", "kept~1") == superseded.sandbox.git("rev-parse", BRANCH)


def test_without_the_guard_a_superseded_worker_is_told_and_not_stopped(scene: Scene) -> None:
    scene.sandbox.agent("reassign", "1")
    scene.sandbox.agent("list")
    said = commit(scene, scene.worker)
    assert said.code == 0 and "is no longer this worktree's" in said.err


# Bases


BASE = [
    ["update-ref", "refs/heads/main", BRANCH],
    ["branch", "--force", "main", BRANCH],
    ["push", "--quiet", ".", f"{BRANCH}:main"],
    ["fetch", "--quiet", ".", f"{BRANCH}:main"],
]


@pytest.mark.parametrize("how", BASE, ids=lambda how: how[0])
def test_a_worker_does_not_move_the_base_from_its_worktree(guarded: Scene, how: Sequence[str]) -> None:
    guarded.sandbox.git("switch", "--quiet", "--detach")  # or git itself refuses most of it
    before = tips(guarded)
    said = guarded.sandbox.run("git", *how, cwd=guarded.worker)
    assert said.code != 0 and "agent.guard" in said.err, said
    assert tips(guarded) == before


def test_the_guard_is_there_right_after_init_and_for_the_first_worker(scene: Scene) -> None:
    agent, box = scene.agent, scene.sandbox
    assert not (agent / "protected").exists()
    box.git("config", "agent.guard", "true")
    box.agent("init")
    assert (agent / "protected").read_text() == "refs/heads/main\n"
    box.git("branch", "next")
    box.agent("spawn", "On next", "--base", "next", "--path", "docs")
    assert (agent / "protected").read_text() == "refs/heads/main\nrefs/heads/next\n"
    assert "path docs\n" in (agent / "claims").read_text()


@pytest.mark.parametrize("how", [["merge", "--ff-only", BRANCH], ["commit", "--allow-empty", "-m", "x"]], ids=" ".join)
@pytest.mark.parametrize("verify", [[], ["--no-verify"]], ids=["", "--no-verify"])
def test_a_worker_does_not_commit_on_the_base_in_its_worktree(
    guarded: Scene, how: list[str], verify: list[str]
) -> None:
    guarded.sandbox.git("switch", "--quiet", "--detach")
    guarded.sandbox.git("switch", "--quiet", "main", cwd=guarded.worker)
    before = tips(guarded)
    said = guarded.sandbox.run("git", *how, *verify, cwd=guarded.worker)
    assert said.code != 0 and "'main' is protected" in said.err, said
    assert tips(guarded) == before


# Paths that others claim


@pytest.fixture
def claimed(guarded: Scene) -> Scene:
    """Return a guarded scene whose task 2 claims docs/ without docs/mine, and task 1 login.py."""
    guarded.sandbox.agent("edit", "2", "--path", "docs/", "--path", ":(exclude)docs/mine")
    guarded.sandbox.agent("edit", "1", "--path", "login.py")
    guarded.sandbox.git("config", "agent.pathClaims", "refuse")
    guarded.sandbox.agent("list")
    return guarded


def stage(scene: Scene, *names: str) -> None:
    for name in names:
        scene.sandbox.write(name, f"{name}\n", cwd=scene.worker)
        scene.sandbox.git("add", "--", name, cwd=scene.worker)


def test_a_commit_of_what_another_task_claims_is_refused(claimed: Scene) -> None:
    before = tips(claimed)
    stage(claimed, "login.py", "docs/new", "docs/mine", "other")
    said = commit(claimed, claimed.worker)
    assert said.code == 1 and tips(claimed) == before
    assert said.err == (
        "error: task 2 claims what is staged here:\ndocs/new\n"
        "hint: git restore --staged FILE; or ask for it: git agent send 2 TEXT\n"
    )
    claimed.sandbox.git("mv", "docs/guide.md", "moved.md", cwd=claimed.worker)
    claimed.sandbox.git("restore", "--staged", "docs/new", cwd=claimed.worker)
    assert "docs/guide.md" in commit(claimed, claimed.worker).err
    # What both claim is its own, too.
    claimed.sandbox.run("git", "-c", "agent.pathClaims=off", "agent", "edit", "1", "--path", "docs/guide.md")
    claimed.sandbox.agent("list")
    assert commit(claimed, claimed.worker).code == 0
    stage(claimed, "docs/again")
    assert "staged here:\ndocs/again\nhint" in commit(claimed, claimed.worker).err
    assert commit(claimed, claimed.worker, "--no-verify").code == 0


def test_what_nobody_else_claims_is_committed(claimed: Scene) -> None:
    stage(claimed, "login.py", "docs/mine", "other")
    assert commit(claimed, claimed.worker).code == 0
    claimed.sandbox.write("docs/guide.md", "a person's\n")
    assert commit(claimed, None, "-a").code == 0
    # A merge brings what others did, also one that ends with a commit.
    assert claimed.sandbox.run("git", "merge", "--no-commit", "--no-ff", "main", cwd=claimed.worker).code == 0
    assert commit(claimed, claimed.worker).code == 0


@pytest.mark.rest
def test_the_hooks_know_of_each_claim_as_soon_as_a_verb_has_ended_or_git_was_heard(claimed: Scene) -> None:
    box, file = claimed.sandbox, claimed.agent / "claims"

    def claims(*argv: str) -> set[str]:
        if argv:
            box.agent(*argv)
        told = file.read_text().split("task ")[1:]
        return {each.replace("path ", "").rstrip().replace("\n", " ") for each in told}

    assert claims() == {"1 login.py", "2 :(exclude)docs/mine docs/"}
    assert claims("edit", "2", "--path", "docs/") == {"1 login.py", "2 docs/"}
    assert claims("edit", "2", "--path", "") == {"1 login.py"}
    assert claims("spawn", "Three", "--path", "x") == {"1 login.py", "3 x"}
    assert claims("cancel", "3") == {"1 login.py"}
    assert claims("undo") == {"1 login.py", "3 x"}
    assert claims("fail", "3", "-m", "no") == {"1 login.py"}
    assert claims("add", "Four", "--path", "y") == {"1 login.py"}
    assert claims("claim", "4") == {"1 login.py", "4 y"}
    assert claims("release", "4") == {"1 login.py"}
    stage(claimed, "login.py")
    assert commit(claimed, claimed.worker).code == 0
    assert claims("done", "1") == {"1 login.py"}  # its work is not merged yet
    assert claims("approve", "1") == {"1 login.py"}
    assert claims("merge", "1") == set() and (claimed.agent / "protected").read_text() == "refs/heads/main\n"
    # A person merges, and the hook's look at git sees it.
    box.agent("edit", "2", "--path", "z")
    claimed.add(claimed.second, "z", "z\n")
    assert claims() == {"2 z"}
    box.git("merge", "--quiet", "--no-edit", "agent/2-add-logout")
    eventually(lambda: claims() == set(), file.read_text)


@pytest.mark.parametrize("end", ["cancel", "warn", "off", "guard", "program", "disabled"])
def test_a_claim_that_does_not_count_any_more_refuses_nothing(claimed: Scene, end: str) -> None:
    stage(claimed, "docs/new")
    if end == "cancel":
        claimed.sandbox.agent("cancel", "2")
    elif end == "program":
        (claimed.agent / "program").write_text("/nowhere/git-agent\n")
    elif end == "disabled":
        (claimed.agent / "enabled").unlink()
    else:
        claimed.sandbox.git("config", *(["agent.guard", "false"] if end == "guard" else ["agent.pathClaims", end]))
    if end not in ("program", "disabled"):
        claimed.sandbox.agent("list")
    said = commit(claimed, claimed.worker)
    assert said.code == 0
    assert said.err == ("git agent: task 2 claims what is staged here:\ndocs/new\n" if end == "warn" else "")


# Whom and what it lets alone


def test_a_person_is_never_refused(superseded: Scene) -> None:
    assert commit(superseded, None).code == 0
    superseded.sandbox.git("merge", "--quiet", "--no-edit", BRANCH)
    superseded.sandbox.git("update-ref", f"refs/heads/{BRANCH}", "main")
    superseded.sandbox.git("branch", "mine")
    superseded.sandbox.git("reset", "--quiet", "--hard", "HEAD~1")


EVERYDAY = [
    ["pack-refs", "--all"],
    ["gc", "--quiet", "--prune=now"],
    ["fetch", "--quiet", "--prune", "origin"],
    ["stash", "push", "--quiet"],
    ["stash", "pop", "--quiet"],
    ["branch", "side"],
    ["branch", "-m", "side", "aside"],
    ["branch", "-D", "aside"],
    ["tag", "v1"],
    ["worktree", "add", "--quiet", "-b", "extra", "../extra"],
]


def test_everyday_git_works_in_a_workers_worktree(guarded: Scene) -> None:
    everyday(guarded, [*EVERYDAY, ["rebase", "--quiet", "main"], ["commit", "--quiet", "--amend", "-m", "y"]])
    guarded.sandbox.git("branch", "-m", "other-name", cwd=guarded.worker)
    assert commit(guarded, guarded.worker).code == 0


def test_everyday_git_works_in_a_superseded_workers_worktree(superseded: Scene) -> None:
    everyday(superseded, EVERYDAY)


def everyday(scene: Scene, commands: Sequence[Sequence[str]]) -> None:
    scene.add(None, "base.py", "base\n")
    scene.sandbox.write("login.py", "dirty\n", cwd=scene.worker)
    for command in commands:
        if command[0] == "rebase":
            scene.sandbox.git("checkout", "--quiet", ".", cwd=scene.worker)
        scene.sandbox.git(*command, cwd=scene.worker)
    assert scene.sandbox.run("git", "fsck", "--no-dangling").code == 0


def test_switched_off_it_leaves_nothing(scene: Scene) -> None:
    scene.sandbox.agent("list")
    before = ours(scene)
    scene.sandbox.git("config", "agent.guard", "true")
    scene.sandbox.agent("list")
    assert ours(scene).keys() != before.keys() or ours(scene) != before
    assert "pre-commit" in scene.sandbox.agent("hooks").out
    scene.sandbox.git("config", "agent.guard", "false")
    scene.sandbox.agent("list")
    scene.sandbox.git("config", "--unset", "agent.guard")
    scene.sandbox.git("config", "--remove-section", "agent", check=False)
    scene.sandbox.agent("list")
    assert "pre-commit" not in scene.sandbox.agent("hooks").out
    assert ours(scene) == before
    scene.sandbox.agent("reassign", "1")
    scene.sandbox.agent("list")
    assert commit(scene, scene.worker).code == 0
