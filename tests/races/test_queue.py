"""Many take from one queue, and many make worktrees in one repository, at the same time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.sandbox import Result, Sandbox, run_at_once
from tests.store.children import run

# A worker of the queue: it takes until there is nothing left, and says what it got.
WORKER = """
while :; do
    out=$(git agent claim --json 2>>"$1.err")
    code=$?
    [ $code = 0 ] || break
    echo "$out" >>"$1"
done
echo "exit $code: $out" >>"$1.err"
"""


ADD_24 = """
store = Store.open(sys.argv[1], create=False)
with store.transaction():
    for number in range(24):
        add(store, f"task-{number}")
"""


def _worktrees(repo: Sandbox) -> dict[str, str]:
    """Map worktree paths to branches, as git sees them."""
    found, path = {}, ""
    for line in repo.git("worktree", "list", "--porcelain").splitlines():
        word, _, value = line.partition(" ")
        if word == "worktree":
            path = value
        elif word == "branch":
            found[path] = value.removeprefix("refs/heads/")
    return found


def _assert_sound(repo: Sandbox, number: int) -> None:
    """Check that each task has a branch, a clean worktree and an attempt of its own, and nothing is left over."""
    tasks = repo.tasks()
    assert len(tasks) == number and {task["state"] for task in tasks.values()} == {"ASSIGNED"}
    places = {task["worktree"]: task["branch"] for task in tasks.values()}
    assert len(places) == len(set(places.values())) == number
    assert _worktrees(repo) == {str(repo.path): "main", **places}
    for path in places:
        assert repo.git("status", "--porcelain", cwd=Path(path)) == ""
    branches = repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    assert sorted(branches) == sorted(["main", *places.values()])
    assert repo.git("fsck", "--connectivity-only") == ""


@pytest.mark.rest
@pytest.mark.timeout(110)
def test_sixteen_processes_that_claim_get_each_of_24_tasks_exactly_once(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("init")
    run(ADD_24, repo.store.parent)
    workers = [tmp_path / f"worker-{number}" for number in range(16)]
    results = run_at_once([("sh", "-c", WORKER, "sh", worker) for worker in workers], cwd=repo.path)
    assert [result.code for result in results] == [0] * 16
    lines = [line for file in workers if file.exists() for line in file.read_text().splitlines()]
    assert Counter(json.loads(line)["task"]["id"] for line in lines) == Counter(range(1, 25))
    ends = [file.with_name(file.name + ".err").read_text() for file in workers]
    assert all(end.startswith("exit 6: ") and "nothing-ready" in end for end in ends), ends
    _assert_sound(repo, 24)


def _assert_all_spawned(repo: Sandbox, results: list[Result], number: int) -> None:
    assert [result.code for result in results] == [0] * number, "\n".join(map(str, results))
    paths = {result.out.splitlines()[-1] for result in results}
    assert len(paths) == number
    _assert_sound(repo, number)
    assert paths == {task["worktree"] for task in repo.tasks().values()}


@pytest.mark.timeout(110)
def test_24_spawns_at_once_all_succeed(repo: Sandbox) -> None:
    # Without init: they race for making the store, too.
    results = repo.parallel([("spawn", f"Task {number}") for number in range(24)])
    _assert_all_spawned(repo, results, 24)


@pytest.mark.timeout(110)
def test_8_spawns_of_one_title_at_once_get_names_of_their_own(repo: Sandbox) -> None:
    results = repo.parallel([("spawn", "Fix the login")] * 8)
    _assert_all_spawned(repo, results, 8)
    names = sorted(task["name"] for task in repo.tasks().values())
    assert names == sorted(["fix-the-login", *(f"fix-the-login-{n}" for n in range(2, 9))])


def test_of_two_spawns_with_one_name_one_wins_and_the_other_leaves_nothing(repo: Sandbox) -> None:
    repo.agent("init")
    commands = [("spawn", "Fix it", "--name", name) for name in ("fix-login", "Fix-Login", "fix-login", "FIX-LOGIN")]
    results = repo.parallel(commands)
    assert sorted(result.code for result in results) == [0, 3, 3, 3], results
    for result in results:
        if result.code == 3:
            assert result.err.startswith("error: the name ") and "hint: " in result.err
    _assert_sound(repo, 1)


def test_of_six_spawns_of_one_task_one_wins(repo: Sandbox) -> None:
    repo.agent("add", "Fix the login")
    results = repo.parallel([("spawn", "1")] * 6)
    codes = Counter(result.code for result in results)
    assert codes[0] == 1 and codes[0] + codes[3] + codes[6] == 6, results
    _assert_sound(repo, 1)


def test_a_waiting_claim_gets_the_task_that_is_added_later(repo: Sandbox) -> None:
    repo.agent("init")
    results = run_at_once(
        [
            *[("git", "agent", "claim", "--wait", "--timeout", "30", "--json")] * 2,
            ("sh", "-c", "sleep 1; git agent add One && git agent add Two"),
        ],
        cwd=repo.path,
    )
    assert [result.code for result in results] == [0, 0, 0], results
    assert sorted(result.json()["task"]["id"] for result in results[:2]) == [1, 2]
    _assert_sound(repo, 2)
