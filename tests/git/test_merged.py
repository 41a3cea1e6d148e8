"""git/merged: is a branch's work in its base, and how did it get there?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from git_agent.git import history
from git_agent.git.merging.boundaries import boundaries, lacking
from git_agent.git.merging.merged import MergeProof, prove_merged
from git_agent.git.merging.movement import Movement
from git_agent.git.merging.provenance import reverted
from git_agent.git.repo import Repo
from tests.sandbox import Sandbox

GUIDE = [f"Line {n}" for n in range(1, 21)]


def guide(**lines: str) -> str:
    """Return docs/guide.md with some lines changed: guide(L3="x")."""
    return "".join(lines.get(f"L{n}", line) + "\n" for n, line in enumerate(GUIDE, 1))


class World:
    """A base `main`, a branch `work` that begins where main is, and the commit at which main was last seen."""

    def __init__(self, repo: Sandbox) -> None:
        self.repo = repo
        self.old = repo.git("rev-parse", "main")
        repo.git("branch", "work")

    def on(self, branch: str, path: str, content: str | bytes, message: str = "Change") -> str:
        self.repo.git("checkout", "--quiet", branch)
        return self.repo.commit(None, path, content, message)

    def git(self, branch: str, *args: str) -> str:
        self.repo.git("checkout", "--quiet", branch)
        return self.repo.git(*args)

    def two(self) -> None:
        """Make the branch's work: two commits, in an old file and a new one."""
        self.on("work", "docs/guide.md", guide(L3="three"), "Edit")
        self.on("work", "new.txt", "new\n", "Add")

    def squash(self, message: str = "Work (#1)") -> str:
        self.git("main", "merge", "--quiet", "--squash", "work")
        self.git("main", "commit", "--quiet", "-m", message)
        return self.tip("main")

    def pick(self, *revisions: str) -> str:
        self.git("main", "cherry-pick", *revisions)
        return self.tip("main")

    def merge(self, *args: str) -> str:
        self.git("main", "merge", "--quiet", "--no-edit", *args, "work")
        return self.tip("main")

    def tip(self, branch: str) -> str:
        return self.repo.git("rev-parse", f"{branch}^0")

    def movement(self, old: str | None = "") -> Movement:
        return Movement(Repo.open(str(self.repo.path)), self.old if old == "" else old, self.tip("main"))

    def verdict(self, old: str | None = "", *, task: int = 1, worked: bool = True) -> MergeProof | None:
        """Judge the branch; a caller never says of one without work of its own that it is inside."""
        move = self.movement(old)
        inside = worked and move.repo.is_ancestor(self.tip("work"), move.new)
        found = prove_merged(move, task=task, tip=self.tip("work"), inside=inside)
        if not inside:
            lacks = self.lacks(move)
            assert found == prove_merged(move, task=task, tip=self.tip("work"), inside=False, lacks=lacks)
        return found

    def lacks(self, move: Movement) -> bool:
        """Ask what is asked of many branches at once: does the base certainly lack part of the work?"""
        fork = move.repo.merge_base(str(move.old if move.knows_old else move.new), self.tip("work"))
        return fork is not None and self.tip("work") in lacking(move, {self.tip("work"): fork})


@pytest.fixture
def world(repo: Sandbox) -> World:
    return World(repo)


def no_commits(w: World) -> None:
    w.on("main", "other.txt", "1\n")


def only_fast_forwarded(w: World) -> None:
    w.on("main", "other.txt", "1\n")
    w.git("work", "merge", "--quiet", "--ff-only", "main")
    w.on("main", "other.txt", "2\n")


def an_empty_commit(w: World) -> None:
    w.git("work", "commit", "--quiet", "--allow-empty", "-m", "Empty")
    w.on("main", "other.txt", "1\n")
    w.git("main", "commit", "--quiet", "--allow-empty", "-m", "Empty\n\nAgent-Task: 1")


def a_net_zero_branch(w: World) -> None:
    first = w.on("work", "docs/guide.md", guide(L3="three"))
    w.git("work", "revert", "--no-edit", "HEAD")
    w.on("main", "other.txt", "1\n")
    w.pick(first, "work")
    w.on("main", "docs/guide.md", guide(L18="eighteen"), "More\n\nAgent-Task: 1")


def a_true_merge(w: World) -> str:
    w.two()
    w.on("main", "other.txt", "1\n")
    merge = w.merge("--no-ff")
    w.on("main", "other.txt", "2\n")
    return merge


def a_fast_forward(w: World) -> str:
    w.two()
    w.merge("--ff-only")
    w.on("main", "other.txt", "2\n")
    return w.tip("work")


def a_fast_forward_after_a_rebase(w: World) -> str:
    w.two()
    w.on("main", "other.txt", "1\n")
    w.git("work", "rebase", "--quiet", "main")
    return w.merge("--ff-only")


def a_squash_of_one_commit(w: World) -> str:
    w.on("work", "docs/guide.md", guide(L3="three"))
    w.on("main", "other.txt", "1\n")
    squash = w.squash()
    w.on("main", "other.txt", "2\n")
    return squash


def a_squash_of_two_commits(w: World) -> str:
    w.two()
    w.on("main", "docs/guide.md", guide(L18="eighteen"))
    squash = w.squash()
    w.on("main", "other.txt", "2\n")
    return squash


def a_squash_then_an_edit_elsewhere_in_the_file(w: World) -> str:
    w.two()
    squash = w.squash()
    w.on("main", "docs/guide.md", guide(L3="three", L18="eighteen"))
    return squash


def a_squash_then_an_edit_of_the_same_lines(w: World) -> str:
    w.two()
    squash = w.squash()
    w.on("main", "docs/guide.md", guide(L3="trois"))
    return squash


def a_squash_tweaked_by_its_maintainer(w: World) -> None:
    w.two()
    w.git("main", "merge", "--quiet", "--squash", "work")
    w.on("main", "docs/guide.md", guide(L3="Three"), "Work, tweaked")


def a_squash_with_a_conflict_resolved(w: World) -> None:
    w.two()
    w.on("main", "docs/guide.md", guide(L3="3"))
    w.repo.git("merge", "--squash", "work", check=False)
    w.repo.commit(None, "docs/guide.md", guide(L3="3 three"), "Work")


def a_rebase_merge(w: World) -> str:
    w.two()
    w.on("main", "docs/guide.md", guide(L18="eighteen"))
    w.git("work", "checkout", "--quiet", "-b", "forge")
    w.git("forge", "rebase", "--quiet", "main")
    w.git("main", "merge", "--quiet", "--ff-only", "forge")
    return w.tip("main")


def all_commits_picked_one_by_one(w: World) -> str:
    w.two()
    w.on("main", "other.txt", "1\n")
    w.pick("work~1")
    w.on("main", "other.txt", "2\n")
    last = w.pick("work")
    w.on("main", "other.txt", "3\n")
    return last


def only_the_first_commit_picked(w: World) -> None:
    w.two()
    w.on("main", "other.txt", "1\n")
    w.pick("work~1")


def the_base_merged_into_the_branch_then_a_squash(w: World) -> str:
    w.two()
    w.on("main", "docs/guide.md", guide(L18="eighteen"))
    w.git("work", "merge", "--quiet", "--no-edit", "main")
    w.on("work", "new.txt", "newer\n")
    return w.squash()


def merged_then_more_commits(w: World) -> None:
    w.two()
    w.merge("--no-ff")
    w.on("work", "docs/guide.md", guide(L3="three", L5="five"))


def merged_then_the_message_amended(w: World) -> str:
    w.two()
    merge = w.merge("--no-ff")
    w.on("main", "other.txt", "1\n")
    w.git("work", "commit", "--quiet", "--amend", "-m", "Better words")
    return merge


def merged_then_reverted(w: World) -> str:
    w.two()
    merge = w.merge("--no-ff")
    w.git("main", "revert", "--no-edit", "-m", "1", merge)
    return merge


def squashed_then_reverted(w: World) -> str:
    w.two()
    squash = w.squash()
    w.git("main", "revert", "--no-edit", squash)
    return squash


def merged_with_the_strategy_ours(w: World) -> str:
    w.two()
    w.on("main", "other.txt", "1\n")
    return w.merge("--no-ff", "--strategy=ours")


def the_same_change_made_by_somebody_else(w: World) -> str:
    w.on("work", "docs/guide.md", guide(L3="three"), "Mine")
    w.on("main", "other.txt", "1\n")
    return w.on("main", "docs/guide.md", guide(L3="three"), "Theirs")


TRAILED = "Work (#1)\n\nAgent-Task: 1"


def edited(w: World, message: str = TRAILED, content: str = "new, said better\n") -> str:
    """Squash the branch onto main with another content than the branch's."""
    w.git("main", "merge", "--quiet", "--squash", "work")
    return w.on("main", "new.txt", content, message)


SCENARIOS: list[tuple[Callable[[World], str | None], str | None]] = [
    (no_commits, None),
    (only_fast_forwarded, None),
    (an_empty_commit, None),
    (a_net_zero_branch, None),
    (a_true_merge, "merge"),
    (a_fast_forward, "ff"),
    (a_fast_forward_after_a_rebase, "ff"),
    (a_squash_of_one_commit, "squash"),
    (a_squash_of_two_commits, "squash"),
    (a_squash_then_an_edit_elsewhere_in_the_file, "squash"),
    (a_squash_then_an_edit_of_the_same_lines, "squash"),
    (a_squash_tweaked_by_its_maintainer, None),
    (a_squash_with_a_conflict_resolved, None),
    (a_rebase_merge, "rebase"),
    (all_commits_picked_one_by_one, "rebase"),
    (only_the_first_commit_picked, None),
    (the_base_merged_into_the_branch_then_a_squash, "squash"),
    (merged_then_more_commits, None),
    (merged_then_the_message_amended, "merge"),
    (merged_then_reverted, "merge"),
    (squashed_then_reverted, "squash"),
    (merged_with_the_strategy_ours, "merge"),
    (the_same_change_made_by_somebody_else, "squash"),
]


@pytest.mark.parametrize("old", ["seen before", "never seen"])
@pytest.mark.parametrize(("scenario", "by"), SCENARIOS, ids=[each.__name__ for each, _ in SCENARIOS])
def test_how_a_branch_came_into_its_base(
    world: World, scenario: Callable[[World], str | None], by: str | None, old: str
) -> None:
    oid = scenario(world)
    worked = scenario not in (no_commits, only_fast_forwarded)
    found = world.verdict("" if old == "seen before" else None, worked=worked)
    assert found == (MergeProof(by, oid) if by and oid else None)


def a_trailer_on_an_edited_squash(w: World) -> str:
    w.two()
    return edited(w)


HOSTILE = (
    *("diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.algorithm=patience", "diff.renames=copies"),
    *("diff.context=0", "diff.interHunkContext=9", "diff.external=false", "diff.upper.textconv=false"),
    *("diff.submodule=log", "diff.ignoreSubmodules=all", "diff.relative=true", "diff.suppressBlankEmpty=true"),
    *("color.ui=always", "log.showSignature=true", "log.diffMerges=combined", "log.showRoot=false"),
    *("trailer.separators==", "grep.patternType=perl", "core.quotePath=true", "log.follow=true"),
)


def set_hostile(repo: Sandbox) -> None:
    repo.write(".git/info/attributes", "*.md diff=upper\n")
    for setting in HOSTILE:
        repo.git("config", *setting.split("=", 1))


@pytest.mark.parametrize(
    "scenario", [a_squash_of_two_commits, all_commits_picked_one_by_one, a_trailer_on_an_edited_squash]
)
def test_nobodys_configuration_changes_a_verdict(world: World, scenario: Callable[[World], str]) -> None:
    oid = scenario(world)
    before = world.verdict()
    set_hostile(world.repo)
    assert before and world.verdict() == before == MergeProof(before.by, oid)


def test_the_same_patch_elsewhere_in_a_longer_file_has_the_same_digest(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L10="ten"))
    before = world.on("main", "docs/guide.md", "Above\n" + guide(L20="twenty"))
    world.on("main", "docs/guide.md", "Above\n" + guide(L20="twenty", L10="ten"))
    lines = [f"{world.tip('work')} {world.old}", f"{world.tip('main')} {before}"]
    found = history.patches(world.movement().repo.git, lines)
    assert len(found) == 2 and len(set(found.values())) == 1


def test_context_lines_count_whatever_the_configuration_says(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L3="same"))
    world.on("main", "docs/guide.md", guide(L2="else"))
    world.repo.git("config", "diff.context", "0")
    lines = [f"{world.tip(each)} {world.old}" for each in ("work", "main")]
    assert len(set(history.patches(world.movement().repo.git, lines).values())) == 2


def test_a_merge_driver_that_keeps_our_side_hides_no_unmerged_work(world: World) -> None:
    world.repo.write(".git/info/attributes", "* merge=ours\n")
    world.repo.git("config", "merge.ours.driver", "true")
    world.on("work", "docs/guide.md", guide(L3="three"))
    world.on("main", "docs/guide.md", guide(L18="eighteen"))
    assert world.verdict() is None


def test_judging_leaves_no_objects_in_the_repository(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L3="three"))
    world.on("main", "docs/guide.md", guide(L18="eighteen"))
    before = world.repo.git("count-objects", "-v")
    assert world.verdict() is None
    assert world.repo.git("count-objects", "-v") == before


def test_a_sha256_repository(tmp_path: Path) -> None:
    made = Sandbox(tmp_path)
    made.git("init", "--quiet", "--object-format=sha256")
    made.commit(None, "docs/guide.md", guide())
    world = World(made)
    oid = a_squash_then_an_edit_elsewhere_in_the_file(world)
    assert world.verdict() == MergeProof("squash", oid) and len(oid) == 64
    world.git("main", "revert", "--no-edit", oid)
    assert reverted(world.movement()) == {oid: world.tip("main")}


@pytest.mark.parametrize(("again", "by"), [("dropped\n", "rebase"), ("otherwise\n", None)], ids=["same", "other"])
def test_a_base_that_was_rewritten(world: World, again: str, by: str | None) -> None:
    world.old = world.on("main", "drop.txt", "dropped\n")
    world.git("work", "reset", "--quiet", "--hard", "main")
    world.two()
    world.git("main", "reset", "--quiet", "--hard", "HEAD~1")
    world.on("main", "other.txt", "1\n")
    world.on("main", "drop.txt", again, "Rewritten")
    assert world.verdict() is None
    oid = world.pick("work~1", "work")
    # What the old base had is the branch's now, so it must be in the new one, too.
    assert world.verdict() == (MergeProof(by, oid) if by else None)


def test_an_old_commit_that_is_gone_counts_as_never_seen(world: World) -> None:
    oid = a_squash_of_two_commits(world)
    assert world.verdict("12" * 20) == MergeProof("squash", oid)


def test_a_base_that_did_not_move_or_went_back_tells_nothing(world: World) -> None:
    a_squash_of_two_commits(world)
    assert world.verdict(world.tip("main")) is None
    old = world.tip("main")
    world.git("main", "reset", "--quiet", "--hard", "HEAD~3")
    assert world.verdict(old) is None


def test_one_of_two_commits_in_one_file_is_not_both(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L3="three"))
    world.on("work", "docs/guide.md", guide(L3="three", L18="eighteen"))
    world.on("main", "other.txt", "1\n")
    world.pick("work~1")
    assert world.verdict() is None


def test_the_trailer_of_an_earlier_attempt_does_not_speak_for_the_next(world: World) -> None:
    world.two()
    edited(world)
    world.git("work", "reset", "--quiet", "--hard", "main")
    world.on("work", "new.txt", "the next attempt\n")
    world.on("main", "other.txt", "1\n")
    assert (world.verdict(), world.verdict(None)) == (None, None)


def test_what_the_branch_began_with_is_not_its_merge(world: World) -> None:
    first = world.on("main", "docs/guide.md", guide(L3="three"), "Three\n\nAgent-Task: 1")
    world.git("main", "revert", "--no-edit", first)
    world.git("work", "reset", "--quiet", "--hard", "main")
    world.on("work", "docs/guide.md", guide(L3="three"), "Three again")
    world.on("main", "other.txt", "1\n")
    assert (world.verdict(), world.verdict(None)) == (None, None)


def test_a_merge_into_the_branch_that_mends_something_is_work_of_its_own(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    world.git("work", "merge", "--quiet", "--no-commit", "main")
    world.repo.commit(None, "docs/guide.md", guide(L3="three", L10="mended"), "Merge and mend")
    assert world.tip("work^2") == world.tip("main")
    world.pick("work~2", "work~1")
    assert world.verdict() is None


def test_a_branch_that_merged_its_base_and_was_picked_one_by_one(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    world.git("work", "merge", "--quiet", "--no-edit", "main")
    assert world.verdict() is None
    oid = world.pick("work^~1", "work^")
    assert world.verdict() == MergeProof("rebase", oid)


def test_commits_picked_in_two_movements_are_absorbed(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    seen = world.pick("work~1")
    assert world.verdict() is None
    oid = world.pick("work")
    world.on("main", "docs/guide.md", guide(L3="three", L18="eighteen"))
    assert world.verdict(seen) == MergeProof("squash", oid)


def test_a_squash_after_the_base_renamed_the_file(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L3="three"))
    world.git("main", "mv", "docs/guide.md", "docs/manual.md")
    world.git("main", "commit", "--quiet", "-m", "Rename")
    seen = world.tip("main")
    oid = world.squash()
    assert world.repo.git("show", "--format=", "--name-only", oid) == "docs/manual.md"
    world.on("main", "docs/manual.md", guide(L3="three", L18="eighteen"))
    assert world.verdict(seen) == MergeProof("squash", oid)


def test_a_squash_inside_another_branchs_merge_is_that_merge(world: World) -> None:
    world.two()
    world.git("main", "checkout", "--quiet", "-b", "next")
    world.git("next", "merge", "--quiet", "--squash", "work")
    world.git("next", "commit", "--quiet", "-m", "Work")
    world.git("main", "merge", "--quiet", "--no-ff", "--no-edit", "next")
    assert world.verdict() == MergeProof("merge", world.tip("main"))


def test_a_tip_deep_in_another_branch_is_found_at_the_merge_that_brought_it(world: World) -> None:
    world.two()
    world.git("work", "checkout", "--quiet", "-b", "on-top")
    world.on("on-top", "top.txt", "1\n")
    world.on("main", "other.txt", "1\n")
    world.git("main", "merge", "--quiet", "--no-edit", "on-top")
    oid = world.tip("main")
    world.on("main", "other.txt", "2\n")
    assert world.verdict() == MergeProof("merge", oid)


def rename(w: World, branch: str) -> None:
    w.git(branch, "mv", "docs/guide.md", f"{branch}.md")
    w.repo.git("commit", "--quiet", "--message", "Rename")


def binary(w: World, branch: str) -> None:
    w.on(branch, "blob.bin", b"\0" + branch.encode())


def mode(w: World, branch: str) -> None:
    w.git(branch, "rm", "--quiet", "--cached", "run.sh")
    kind = {"work": "100755", "main": "120000"}[branch]
    w.repo.git("update-index", "--add", "--cacheinfo", f"{kind},{w.repo.git('rev-parse', 'HEAD:run.sh')},run.sh")
    w.repo.git("commit", "--quiet", "--message", "Mode")
    w.repo.git("reset", "--quiet", "--hard")


def submodule(w: World, branch: str) -> None:
    w.git(branch, "update-index", "--cacheinfo", f"160000,{branch.encode().hex():0<40},sub")
    w.repo.git("commit", "--quiet", "--message", "Pointer")


def white_space(w: World, branch: str) -> None:
    w.on(branch, "tabs.py", "if x:\n" + {"work": "  ", "main": "\t"}[branch] + "y()\n", f"Indent on {branch}")


def empty_file(w: World, branch: str) -> None:
    w.on(branch, f"{branch}.empty", "")


def deletion(w: World, branch: str) -> None:
    w.git(branch, "rm", "--quiet", {"work": "README.md", "main": "run.sh"}[branch])
    w.repo.git("commit", "--quiet", "--message", "Delete")


def odd_name(w: World, branch: str) -> None:
    w.repo.git("checkout", "--quiet", branch)
    w.repo.write(os.fsdecode(b':(odd)\t\n"\xff'), branch)
    w.repo.git("add", "--all")
    w.repo.git("commit", "--quiet", "--message", "Odd")


KINDS = [rename, binary, mode, submodule, white_space, empty_file, deletion, odd_name]


@pytest.fixture
def varied(repo: Sandbox) -> World:
    repo.write("run.sh", "#!/bin/sh\n")
    repo.write("blob.bin", b"\0first")
    repo.write("tabs.py", "if x:\n y()\n")
    repo.git("add", "--all")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'12' * 20},sub")
    repo.git("commit", "--quiet", "-m", "Various")
    return World(repo)


@pytest.mark.parametrize("change", KINDS, ids=[each.__name__ for each in KINDS])
def test_every_kind_of_change_is_recognised_and_told_apart(varied: World, change: Callable[[World, str], None]) -> None:
    change(varied, "work")
    change(varied, "main")
    assert varied.verdict() is None
    varied.git("main", "reset", "--quiet", "--hard", "HEAD~1")
    varied.on("main", "other.txt", "1\n")
    oid = varied.squash()
    varied.on("main", "other.txt", "2\n")
    assert varied.verdict() == MergeProof("squash", oid)
    set_hostile(varied.repo)
    assert varied.verdict() == MergeProof("squash", oid)


def test_a_trailer_tells_a_squash_that_was_edited(world: World) -> None:
    world.two()
    oid = edited(world)
    world.on("main", "other.txt", "1\n")
    assert world.verdict() == MergeProof("squash", oid)
    assert world.verdict(task=2) is None


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        ("Work\n\nagent-task: 7,1", True),
        ("Work\n\nReviewed-by: A <a@b>\nAgent-Task: 1\nAgent-Task: 9", True),
        ("Work\n\nAgent-Task: 11", False),
        ("Agent-Task: 1\n\nIs only talked about here.", False),
        (f"Work\n\nAgent-Task: {'9' * 5000}", False),
    ],
)
def test_what_is_a_trailer(world: World, message: str, counts: bool) -> None:
    world.two()
    oid = edited(world, message)
    assert world.verdict() == (MergeProof("squash", oid) if counts else None)


def test_a_trailer_of_another_clone_counts_only_with_a_path_in_common(world: World) -> None:
    world.two()
    world.on("main", "README.md", "# Another task 1\n", "Another\n\nAgent-Task: 1")
    assert world.verdict() is None


def test_a_trailer_does_not_speak_for_commits_made_after_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.two()
    edited(world)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T03:04:06+00:00")
    world.on("work", "new.txt", "newer\n")
    assert world.verdict() is None


def test_a_trailer_on_the_squash_of_an_earlier_state_does_not_speak_for_the_tip(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    world.squash(TRAILED)
    world.on("work", "new.txt", "not pushed yet\n")
    assert world.verdict() is None


def test_a_trailer_that_came_with_one_picked_commit_does_not_speak_for_the_others(world: World) -> None:
    world.on("work", "docs/guide.md", guide(L3="three"))
    picked = world.on("work", "new.txt", "new\n", TRAILED)
    world.on("work", "newer.txt", "newer\n")
    world.on("main", "other.txt", "1\n")
    world.pick(picked)
    assert world.verdict() is None


def test_a_trailer_on_the_merge_of_an_earlier_state_does_not_speak_for_the_tip(world: World) -> None:
    world.two()
    world.merge("--no-ff")
    world.git("main", "commit", "--quiet", "--amend", "--message", TRAILED)
    world.on("work", "new.txt", "newer\n")
    assert world.verdict() is None


def test_a_trailer_on_a_merge_after_an_edited_rebase_is_a_merge(world: World) -> None:
    world.two()
    world.on("main", "docs/guide.md", guide(L18="eighteen"))
    world.git("work", "checkout", "--quiet", "-b", "forge")
    world.git("forge", "rebase", "--quiet", "main")
    world.repo.write("new.txt", "edited\n")
    world.git("forge", "commit", "--quiet", "--all", "--amend", "--no-edit")
    world.git("main", "merge", "--quiet", "--no-ff", "forge", "--message", TRAILED)
    assert world.verdict() == MergeProof("merge", world.tip("main"))


def test_a_trailer_on_an_empty_branch_says_nothing(world: World) -> None:
    world.git("work", "commit", "--quiet", "--allow-empty", "--message", "Empty")
    world.on("main", "other.txt", "1\n", TRAILED)
    assert world.verdict() is None


def test_a_revert_names_what_it_reverts(world: World) -> None:
    world.two()
    merge = world.merge("--no-ff")
    world.git("main", "revert", "--no-edit", "-m", "1", merge)
    assert reverted(world.movement()) == {merge: world.tip("main")}
    # git names the merge's parent, too ("reversing changes made to"), and that one is not reverted.
    assert world.old in world.repo.git("log", "-1", "--format=%B", "main")


def test_a_revert_that_is_reverted_itself_counts_no_more(world: World) -> None:
    world.two()
    squash = world.squash()
    world.git("main", "revert", "--no-edit", squash)
    first = world.tip("main")
    world.git("main", "revert", "--no-edit", first)
    second = world.tip("main")
    assert reverted(world.movement()) == {first: second}
    assert reverted(world.movement(first)) == {first: second}
    world.git("main", "revert", "--no-edit", second)
    assert reverted(world.movement()) == {second: world.tip("main"), squash: first}


def test_a_revert_with_a_reference_names_a_short_oid(world: World) -> None:
    world.two()
    squash = world.squash()
    world.git("main", "-c", "core.commentChar=%", "revert", "--no-edit", "--reference", squash)
    assert squash not in world.repo.git("log", "-1", "--format=%B", "main")
    assert reverted(world.movement()) == {squash: world.tip("main")}


def test_a_message_that_names_no_commit_reverts_nothing(world: World) -> None:
    said = f"Words\n\nSee: This reverts commit {world.old}\nThis reverts commit deadbeef.\nThis reverts commit 1.\n"
    world.on("main", "other.txt", "1\n", said)
    assert reverted(world.movement()) == {}
    assert reverted(world.movement(world.tip("main"))) == {}


def test_a_branch_whose_file_the_base_never_changed_is_known_to_be_lacking(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    assert world.lacks(world.movement())


@pytest.mark.parametrize("merged_first", [False, True])
def test_a_branch_that_came_in_is_never_said_to_be_lacking(world: World, merged_first: bool) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    if merged_first:
        world.git("work", "merge", "--quiet", "--no-edit", "main")
    world.squash()
    assert not world.lacks(world.movement())


@pytest.mark.parametrize("path", ["a file\nof two lines", "line\n", "ü", "a b", "a:x", "-x", "x\\y", '"q"'])
def test_paths_of_any_name_are_looked_up_in_the_base(world: World, path: str) -> None:
    world.on("work", path, "mine\n")
    world.on("main", "other.txt", "1\n")
    assert world.lacks(world.movement()) == ("\n" not in path)
    world.squash()
    assert not world.lacks(world.movement())


def test_many_branches_leave_the_base_where_git_says_that_they_do(world: World) -> None:
    world.on("main", "other.txt", "1\n")
    for name, start in (("one", "main"), ("two", "main~1"), ("three", "work")):
        world.repo.git("branch", name, start)
        world.on(name, f"{name}.txt", "1\n")
    world.git("two", "merge", "--quiet", "--no-edit", "one")
    world.on("two", "more.txt", "1\n")
    world.repo.git("checkout", "--quiet", "--orphan", "other")
    world.repo.git("commit", "--quiet", "-m", "Unrelated")
    repo, base = Repo.open(str(world.repo.path)), world.tip("main")
    names = ("one", "two", "three", "work", "main", "other")
    found = boundaries(repo, base, [world.tip(name) for name in names])
    for name in ("one", "three"):
        assert found[world.tip(name)] == {repo.merge_base(base, world.tip(name))}
    assert found[world.tip("two")] == {base, world.tip("main~1")}
    assert [found[world.tip(name)] for name in ("work", "main", "other")] == [set(), set(), set()]


def test_nothing_is_known_of_any_branch_where_a_commit_is_missing(world: World) -> None:
    world.two()
    world.on("main", "other.txt", "1\n")
    move, tip = world.movement(), world.tip("work")
    assert boundaries(move.repo, move.new, [tip, "1" * 40]) == {}
    assert lacking(move, {tip: world.old, "1" * 40: world.old}) == set()
