"""`doctor` names what is wrong and changes nothing; --fix mends it, looks before it acts, and can be taken back."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from git_agent.render.contract import FINDING
from tests.faults.breaking import BREAKS, LONG_AGO, Break, prepare, sql
from tests.faults.world import World
from tests.hooks.crowd import eventually
from tests.processes import children
from tests.sandbox import Result, Sandbox
from tests.tables import ask

HOOKS = {"GIT_AGENT_HOOKS": None}  # as a person has it: hooks are wanted, so that they are examined
BATCHES = sorted({each.batch for each in BREAKS.values()})
UNDO = """
import json, sys
from git_agent.app import App
from git_agent.actions.doctor.undo import undo_fix
from git_agent.errors import AgentError
app, said = App(), []
for seq in range(app.store.events.newest(), 0, -1):
    event = app.store.events.get(seq)
    if event.kind == "doctor.fixed":
        try:
            said.append([event.data["code"], *undo_fix(app, [event])])
        except AgentError as error:
            said.append([event.data["code"], error.code])
print(json.dumps(said))
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Break things in batches; with --every-step each by itself, too."""
    every = metafunc.config.getoption("--every-step", default=False)
    if "broken" in metafunc.fixturenames:
        alone = [[name] for name in BREAKS] if every else []
        together = [[n for n, each in BREAKS.items() if each.batch == batch] for batch in BATCHES]
        metafunc.parametrize("broken", [*together, *alone], ids=[f"batch {b}" for b in BATCHES] + [n[0] for n in alone])


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a repository with five tasks, prepared once."""
    home = tmp_path_factory.mktemp("doctor")
    world = World(Sandbox(Path(shutil.copytree(template, home / "my repo", symlinks=True))))
    prepare(world.sandbox)
    world.keep()
    return world


@pytest.fixture
def world(prepared: World) -> Iterator[World]:
    """Return the repository as it was prepared."""
    prepared.put_back()
    yield prepared


def doctor(sandbox: Sandbox, *args: str, cwd: Path | None = None) -> Result:
    return sandbox.agent("doctor", *args, env=HOOKS, exit=None, cwd=cwd)


def findings(sandbox: Sandbox, *args: str, cwd: Path | None = None) -> list[dict[str, Any]]:
    result = doctor(sandbox, "--json", *args, cwd=cwd)
    found: list[dict[str, Any]] = result.json()["findings"]
    said = [line for line in result.err.splitlines() if not line.startswith("note: ")]
    assert result.code == (1 if found else 0) and said == [], result
    return found


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {each["code"] for each in found}


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    """Return every file with its mode and what is in it; what readers of the database share does not count."""
    found = {}
    for at, directories, names in os.walk(root):
        for name in (*directories, *names):
            path = Path(at, name)
            if path.name.endswith(("-shm", "-wal")):
                continue
            held = os.lstat(path)
            what = os.readlink(path) if path.is_symlink() else ""
            if path.is_file() and not path.is_symlink():
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = (held.st_mode, what)
    return found


def undo_all(sandbox: Sandbox) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", UNDO], cwd=sandbox.path, capture_output=True, text=True, check=True, timeout=60
    )
    return dict(json.loads(done.stdout))


def wanted(broken: list[str], field: Callable[[Break], frozenset[str]]) -> set[str]:
    return {code for name in broken for code in field(BREAKS[name])}


def test_a_sound_repository_has_no_findings(world: World) -> None:
    result = doctor(world.sandbox)
    assert (result.code, result.err) == (0, "")
    assert result.out == "no problems found (checked 5 tasks, 4 worktrees, 18 events)\n"


def test_branches_that_others_made_are_not_ours(world: World) -> None:
    """They came with a clone, or were fetched to be looked at."""
    sandbox = world.sandbox
    sandbox.git("branch", "agent/77-colleague", "main")
    assert findings(sandbox) == []


def test_what_is_broken_is_found_and_mended_and_can_be_taken_back(world: World, broken: list[str]) -> None:
    sandbox = world.sandbox
    for name in broken:
        BREAKS[name].do(sandbox)
    before = snapshot(sandbox.path.parent)
    first = findings(sandbox)
    assert codes(first) == wanted(broken, lambda each: each.codes), json.dumps(first, indent=1)
    assert all(set(each) == set(FINDING) and each["what"] and each["why"] and each["fix"] for each in first)
    assert snapshot(sandbox.path.parent) == before  # nothing was changed without --fix
    mended = doctor(sandbox, "--fix", "--json").json()
    fixes = ask(sandbox.store, "SELECT data FROM event WHERE kind = 'doctor.fixed'")
    assert len({json.loads(each["data"]).get("operation") for each in fixes} - {None}) <= 1  # undone as one
    left = wanted(broken, lambda each: each.left)
    assert (codes(mended["findings"]), mended["failed"]) == (left, []), json.dumps(mended, indent=1)
    assert codes(mended["fixed"]) == codes(first) - left
    assert codes(findings(sandbox)) == left
    victim = sandbox.path / "victim.log"
    assert not victim.exists() or victim.read_text() == "precious\n"
    undone = undo_all(sandbox)
    nothing = {code for code, said in undone.items() if said == "nothing-to-undo"}
    again = codes(findings(sandbox))
    # What every command mends is not there any more, and a row can't belong to nothing again.
    looked = {"interrupted", "scratch-left", "hooks-missing", "hooks-script", "hooks-program"}
    changed = {code for code, said in undone.items() if said == "changed-since"}
    assert again == codes(first) - nothing - looked - changed, undone
    assert changed <= {"store-dangling", "dependency-missing"}


def test_what_appears_when_something_else_is_mended_is_mended_too(world: World) -> None:
    """A lease is stray once its task is APPROVED again. Counts of what waits for a task go with its state."""
    sandbox = world.sandbox
    lease = "INSERT INTO lease VALUES (2, 'hand', NULL, 1, 1, NULL, NULL, NULL)"
    sql("UPDATE task SET state = 'WORKING' WHERE id = 2", lease)(sandbox)
    sql("UPDATE task SET state = 'COMPLETED' WHERE id = 1", "UPDATE task SET unresolved = 0 WHERE id = 3")(sandbox)
    before = {(each["code"], each["task"]) for each in findings(sandbox)}
    assert before == {("state-differs", 1), ("lease-stray", 1), ("state-differs", 2)}
    mended = doctor(sandbox, "--fix", "--json").json()
    assert ("lease-stray", 2) in {(each["code"], each["task"]) for each in mended["fixed"]}
    assert mended["findings"] == []
    assert sandbox.agent("undo").out.startswith("undid the 3 fixes by doctor\n")
    assert {(each["code"], each["task"]) for each in findings(sandbox)} >= before - {("lease-stray", 1)}
    assert "dependency-count" not in codes(findings(sandbox))


def test_nobody_has_to_acknowledge_what_a_finished_task_was_told(world: World) -> None:
    """What asked for changes, and what a held merge said, is done with when the task is merged or cancelled."""
    sandbox = world.sandbox
    sandbox.agent("request-changes", "2", "-m", "shorter")
    sandbox.agent("start", "2")
    sandbox.commit(sandbox.worktree(2), "work-2.txt", "short\n", "Shorten docs")
    for verb in ("done", "approve", "merge"):
        sandbox.agent(verb, "2")
    sandbox.agent("done", "5")
    sandbox.git("config", "agent.check", "false")
    assert "check" in sandbox.agent("approve", "5").out + sandbox.agent("merge", "5", exit=3).err
    sandbox.agent("cancel", "5")
    sandbox.git("config", "--unset", "agent.check")
    assert findings(sandbox) == []
    assert "acknowledged" not in sandbox.agent("status").out


def _garbage(store: Path) -> None:
    store.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)


def _replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def do(store: Path) -> None:
        store.unlink()
        make(store)

    return do


def _version(number: int) -> Callable[[Path], None]:
    def do(store: Path) -> None:
        with closing(sqlite3.connect(store)) as connection:
            connection.execute(f"PRAGMA user_version={number}")
            connection.execute("UPDATE meta SET value = ? WHERE key = 'lowest-schema'", (str(number),))
            connection.commit()

    return do


def _torn(store: Path) -> None:
    """Pages in the middle are overwritten: some tables can be read, some can't."""
    content = bytearray(store.read_bytes())
    content[4096:40960] = b"\xff" * 36864
    store.write_bytes(content)


STORES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "missing": (_replaced_by(lambda path: None), {"no-store"}),
    "empty": (_replaced_by(Path.touch), {"store-foreign", "store-modes"}),
    "directory": (_replaced_by(Path.mkdir), {"store-foreign"}),
    "link": (_replaced_by(lambda path: path.symlink_to("/dev/null")), {"store-foreign"}),
    "fifo": (_replaced_by(os.mkfifo), {"store-foreign"}),
    "garbage": (_garbage, {"store-corrupt"}),
    "newer": (_version(99), {"store-newer"}),
    "older": (_version(1), {"store-older"}),
    "of another program": (
        _replaced_by(lambda path: sqlite3.connect(path).execute("CREATE TABLE x (y)").connection.close()),
        {"store-foreign", "store-modes"},
    ),
}


def test_a_store_that_can_not_be_read_is_a_finding_and_is_left_as_it_is(world: World) -> None:
    sandbox = world.sandbox
    store = sandbox.path / ".git/git-agent/agent.db"
    held = store.read_bytes()
    for name, (spoil, expected) in STORES.items():
        spoil(store)
        before = snapshot(sandbox.path.parent)
        found = findings(sandbox)
        assert codes(found) >= expected - {"store-modes"} and codes(found) <= expected, (name, found)
        assert snapshot(sandbox.path.parent) == before, name
        said = doctor(sandbox)
        assert said.code == 1 and "fix: " in said.out and "Traceback" not in said.err, name
        if name in ("missing", "newer", "garbage", "directory"):
            mended = doctor(sandbox, "--fix", "--json")
            assert codes(mended.json()["findings"]) <= expected and mended.code == 1, (name, mended)
            assert snapshot(store) == {} or snapshot(sandbox.path.parent).keys() == before.keys()
        shutil.rmtree(store) if store.is_dir() and not store.is_symlink() else store.unlink(missing_ok=True)
        store.write_bytes(held)
        store.chmod(0o600)
    for flipped in ("body = CAST(x'ff' AS TEXT)", "worktree = x'ff00'"):
        sql(f"UPDATE task SET {flipped} WHERE id = 1")(sandbox)  # SQLite's own check finds nothing
        blob = {"store-mistyped"} if "ff00" in flipped else set()
        assert codes(findings(sandbox)) == {"not-examined"} | blob, flipped
        for verb in ("list", "show"):
            said = sandbox.agent(verb, *["1"] * (verb == "show"), exit=1)
            assert said.err.endswith("\nhint: git agent doctor\n") and "Traceback" not in said.err, said
        store.write_bytes(held)
    _torn(store)
    said = doctor(sandbox)
    assert said.code == 1 and "Traceback" not in said.err and "fix: " in said.out, said


def test_a_process_that_holds_the_store_is_named(world: World) -> None:
    """One that is stopped while it writes, one that is not ours, and one whose database was replaced."""
    sandbox = world.sandbox
    store = sandbox.path / ".git/git-agent/agent.db"
    hold = (
        "import sqlite3, sys, time\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", hold, store], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"held\n"
            assert codes(findings(sandbox)) == {"store-holder"}
            process.send_signal(signal.SIGSTOP)
            found = {each["code"]: each for each in findings(sandbox)}
            assert found.keys() == {"store-holder", "store-stopped"}
            assert found["store-stopped"]["fix"] == f"kill -CONT {process.pid}"
            os.replace(shutil.copy2(store, store.with_name("copy")), store)
            assert "store-replaced" in codes(findings(sandbox))
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc shows which files a process has open")
def test_our_own_program_may_hold_the_store(world: World) -> None:
    sandbox = world.sandbox
    store = str(sandbox.store)
    with subprocess.Popen(["git-agent", "watch"], cwd=sandbox.path, stdout=subprocess.DEVNULL) as process:
        try:
            held = Path(f"/proc/{process.pid}/fd")
            eventually(lambda: store in map(os.path.realpath, held.iterdir()), lambda: "it does not open it")
            assert codes(findings(sandbox)) == set()
        finally:
            process.kill()


def test_a_repository_that_was_moved_or_copied_is_told_apart(world: World, tmp_path: Path) -> None:
    sandbox, root = world.sandbox, world.sandbox.path.parent
    copy = Sandbox(Path(shutil.copytree(sandbox.path, root / "copy", symlinks=True)))
    assert codes(findings(copy)) == {"repository-copied"}
    said = doctor(copy).out
    assert f"belongs to the repository {sandbox.path}/.git:" in said
    (helps,) = {each["fix"] for each in findings(copy) if each["task"] == 1}
    for command in helps.removeprefix("in the copy: ").split(", then "):
        subprocess.run(command, shell=True, cwd=copy.path, check=True, capture_output=True)
    assert "1-fix-login" not in copy.git("worktree", "list") and sandbox.worktree(1).exists()
    shutil.rmtree(copy.path)
    assert findings(sandbox) == []
    moved = Sandbox(sandbox.path.rename(root / "elsewhere"))
    assert codes(findings(moved)) == {"repository-moved"}
    assert len(findings(moved)) == 3 and findings(moved, "--fix") == []
    assert moved.git("status", "--porcelain", cwd=root / "my repo.worktrees" / "1-fix-login") == ""


def test_a_damaged_git_file_is_no_copy_of_the_repository(world: World, tmp_path: Path) -> None:
    """Nobody is told to remove the store for it, and the command that is named mends it."""
    sandbox, where = world.sandbox, world.sandbox.worktree(5)
    sandbox.git("init", "--quiet", str(tmp_path / "other"))
    other = tmp_path / "other/.git"
    (other / "worktrees/5-sort-sums").mkdir(parents=True)  # of another worktree
    (other / "worktrees/5-sort-sums/gitdir").write_text(f"{tmp_path}/elsewhere/.git\n")
    for text in ("", "gitdir: /nonexist\n", f"gitdir: {other}\n", f"gitdir: {other}/worktrees/5-sort-sums\n", None):
        (where / ".git").unlink()
        if text is None:
            sandbox.git("init", "--quiet", str(where))
        else:
            (where / ".git").write_text(text)
        (found,) = findings(sandbox)
        assert found["code"] == ("worktree-covered" if text is None else "worktree-unlinked"), text
        said = sandbox.agent("show", "5").out
        assert " copy" not in said + found["what"] and " moved" not in said + found["what"], text
        helps = next(line for line in said.splitlines() if "worktree repair" in line).partition(": ")[2]
        assert text is not None or helps == found["fix"], said
        for command in helps.split(", then "):
            subprocess.run(command, shell=True, cwd=where, check=True, capture_output=True)
        assert findings(sandbox) == [], text
        assert sandbox.git("status", "--porcelain", cwd=where) == ""
        shutil.rmtree(f"{where}.git-aside", ignore_errors=True)
    assert not (other / "gitdir").exists()


def test_repository_and_worktrees_that_were_moved_together_are_connected_again(world: World, tmp_path: Path) -> None:
    """Neither finds the other; it is no worktree that somebody deleted."""
    root = world.sandbox.path.parent
    away = Path(shutil.move(root, tmp_path / "away"))
    try:
        along = Sandbox(away / "my repo")
        where = away / "my repo.worktrees" / "1-fix-login"
        assert codes(findings(along)) == {"worktree-moved"}
        assert "worktree moved" in (said := along.agent("status").out) and "git agent doctor --fix" in said
        root.mkdir()
        (root / "my repo").mkdir()
        (root / "my repo" / ".git").symlink_to(along.path / ".git")  # the old repository is there: it may be a copy
        assert "worktree-moved" not in codes(findings(along, "--fix"))
        shutil.rmtree(root)
        doctor(along, "--fix")
        assert findings(along) == []
        assert along.git("status", "--porcelain", cwd=where) == ""
        assert str(where) in along.git("worktree", "list")
    finally:
        shutil.move(away, root)


@pytest.mark.rest
def test_a_merge_that_is_stopped_or_was_killed_in_its_check_is_found(world: World) -> None:
    """It has written no intent yet: its lock and its scratch directory tell of it."""
    sandbox = world.sandbox
    sandbox.git("config", "agent.check", "echo $$ >'../../../../../checking'; exec sleep 60")
    checking = sandbox.path.parent / "checking"
    program = shutil.which("git-agent") or ""
    for verb in (["--all"], ["2"]):
        with subprocess.Popen([program, "merge", *verb], cwd=sandbox.path, stdout=subprocess.DEVNULL) as merge:
            try:
                eventually(lambda: checking.exists() and checking.read_text().endswith("\n"), lambda: "no check")
                time.sleep(1.1)  # what was made just now is left alone
                merge.send_signal(signal.SIGSTOP)
                (found,) = findings(sandbox)
                assert (found["code"], found["fix"]) == ("stopped-half-way", f"kill -CONT {merge.pid}")
                assert "merge-check-1" in found["what"]
                busy = sandbox.agent("merge", *verb, "--timeout", "0", exit=6).err
                assert "which is stopped" in busy and f"kill -CONT {merge.pid}" in busy
            finally:
                merge.kill()
        os.kill(int(checking.read_text()), signal.SIGKILL)
        checking.unlink()
        assert codes(findings(sandbox)) == {"scratch-left"}
        assert findings(sandbox, "--fix") == [] and "scratch" not in sandbox.git("worktree", "list")


def test_the_advice_for_a_lost_worktree_fits_the_state(world: World) -> None:
    sandbox = world.sandbox
    shutil.rmtree(sandbox.worktree(2))
    (found,) = findings(sandbox)
    assert found["code"] == "worktree-gone" and found["fix"].startswith("git agent merge 2")
    assert "git agent merge 2" in sandbox.agent("status").out + sandbox.agent("show", "2").out
    sandbox.agent("merge", "2")


def test_worktrees_of_a_store_that_is_gone_are_of_no_task(world: World) -> None:
    """Made just now or long ago, and whatever number the new store's tasks have."""
    sandbox = world.sandbox
    for path in (sandbox.path / ".git/git-agent").glob("agent.db*"):
        path.unlink()
    sandbox.agent("init")
    sandbox.agent("spawn", "New")
    first = findings(sandbox)
    found = {each["subject"] for each in first if each["code"] == "worktree-orphan"}
    assert {Path(each).name for each in found} == {"1-fix-login", "2-write-docs", "5-sort-sums"}
    orphans = {each["subject"]: each for each in first if each["code"] == "branch-orphan"}
    one = orphans["agent/1-fix-login"]
    assert "one of its commits is nowhere else" in one["what"] and "branch -D" not in one["fix"]
    for command in one["fix"].replace("TITLE", "Again").removesuffix(", to continue it").split(", then "):
        subprocess.run(command, shell=True, cwd=sandbox.path, check=True, capture_output=True)
    assert "agent/1-fix-login" not in {each["subject"] for each in findings(sandbox)}


def test_a_lock_of_git_that_may_be_in_use_is_left_alone(world: World) -> None:
    sandbox, lock = world.sandbox, world.sandbox.path / ".git/index.lock"
    lock.touch()
    assert findings(sandbox) == []  # git may just be at it
    os.utime(lock, (LONG_AGO, LONG_AGO))
    with open(lock, "rb") as held:
        assert held and findings(sandbox, "--fix") == []  # an editor is open, or a merge takes its time
        assert lock.exists()
    command = ["git", "-c", "core.editor=sleep 60 #", "commit", "--allow-empty"]
    lock.unlink()
    with subprocess.Popen(command, cwd=sandbox.path, env={**os.environ, "GIT_EDITOR": "sleep 60 #"}) as waiting:
        try:
            other = sandbox.path / ".git/refs/heads/x.lock"
            other.touch()
            os.utime(other, (LONG_AGO, LONG_AGO))
            assert findings(sandbox) == []  # a git runs here: who knows what it waits for
            waiting.send_signal(signal.SIGSTOP)
            found = findings(sandbox)
            assert codes(found) == {"lock-stopped"} and str(waiting.pid) in found[0]["fix"]
        finally:
            for pid in children(waiting.pid):
                os.kill(pid, signal.SIGKILL)
            waiting.kill()


RACE = """
import json, os, subprocess, sys
from git_agent.app import App
from git_agent.actions.doctor.examine import examine
from git_agent.actions.doctor.doctor import _FIXERS
from git_agent.errors import AgentError
app, then = App(), sys.argv[2]
found = next(each for each in examine(app).findings if each.code == sys.argv[1])
subprocess.run(then, shell=True, check=True)
try:
    print(_FIXERS[found.group](app, found))
except AgentError as error:
    print(error.code)
"""

_TASK_99 = (
    "CREATE TEMP TABLE made AS SELECT * FROM task WHERE id = 3",
    "UPDATE made SET id = 99, name = 'new', name_key = 'new'",
    "INSERT INTO task SELECT * FROM made",
)


def _typed(*statements: str) -> str:
    script = "import sqlite3, sys; c = sqlite3.connect('.git/git-agent/agent.db', isolation_level=None)"
    return shlex.join([sys.executable, "-c", f"{script}; [c.execute(each) for each in sys.argv[1:]]", *statements])


@pytest.mark.rest
def test_a_fix_changes_nothing_that_changed_since_it_was_found(world: World) -> None:
    """Between the look and the act somebody was quicker: what they did stays."""
    sandbox = world.sandbox
    cases = {
        "modes of the directory": ("store-modes", "chmod 700 .git/git-agent", "changed-meanwhile"),
        "row of no task": ("store-dangling", _typed(*_TASK_99), "changed-meanwhile"),
        "branch deleted": ("branch-gone", "git branch agent/1-fix-login main", "changed-meanwhile"),
        "old locks": ("lock-stale", "touch .git/index.lock", "changed-meanwhile"),
        "wrong count of dependencies": (
            "dependency-count",
            _typed("INSERT INTO task_dep VALUES (3, 2)"),
            "changed-meanwhile",
        ),
        "attempt removed by hand": ("attempt-bare", "git branch agent/4-add-colours main", "changed-meanwhile"),
        "lease of an open task": ("lease-stray", _typed("DELETE FROM lease"), "changed-meanwhile"),
        "hooks deleted": ("hooks-missing", "git agent deinit", "changed-meanwhile"),
        "context file deleted": (
            "context-missing",
            "echo mine >'../my repo.worktrees/5-sort-sums/.worker-ctx.json'",
            "changed-meanwhile",
        ),
        "state rewritten": (
            "state-differs",
            "git agent edit 3 --priority 1 && git agent cancel 3",
            "changed-meanwhile",
        ),
        "worktree half made": ("worktree-half", "echo mine >'../my repo.worktrees/9-half/mine.txt'", "has-work"),
        "worktree unlocked": (
            "worktree-unlocked",
            "git worktree lock --reason mine '../my repo.worktrees/5-sort-sums'",
            "changed-meanwhile",
        ),
        "parent that is not there": ("dependency-missing", "git agent edit 3 --after 1", "changed-meanwhile"),
    }
    for name, (code, then, said) in cases.items():
        world.put_back()
        BREAKS[name].do(sandbox)
        done = sandbox.run(sys.executable, "-c", RACE, code, then, env=HOOKS)
        assert done.out.splitlines()[-1:] == [said], (name, done)
    assert (world.sandbox.path.parent / "my repo.worktrees").exists()


def test_a_fix_looks_at_its_own_task_alone(world: World) -> None:
    """What a fix costs does not grow with the number of findings: all worktrees are not examined for each."""
    sandbox, gits = world.sandbox, list[int]()
    for lacking in ((1,), (1, 2, 5)):
        world.put_back()
        for task in lacking:
            (sandbox.worktree(task) / ".worker-ctx.json").unlink()
        done = sandbox.agent("doctor", "--fix", "--json", env={"GIT_AGENT_TRACE": "1"})
        assert len(done.json()["fixed"]) == len(lacking), done
        gits.append(done.err.count("['git', "))
    assert gits[1] - gits[0] <= 2 * 4, gits


def test_what_keeps_a_look_from_mending_is_told_of_nothing_else(world: World) -> None:
    sandbox = world.sandbox
    for name in ("secret staged", "hooks deleted"):
        BREAKS[name].do(sandbox)
    sandbox.git("worktree", "unlock", sandbox.worktree(5))
    sandbox.git("config", "agent.guard", "bogus")  # which hooks are wanted can't be known
    done = doctor(sandbox, "--fix", "--json")
    said = done.json()
    assert (
        codes(said["fixed"]) == {"worktree-unlocked"}
        and "note: some repairs that every command makes failed" in done.err
    ), done
    left = [each["subject"] for each in said["findings"] if each["code"] == "hooks-missing"]
    assert [each["subject"] for each in said["failed"]] == left, done


def test_a_large_log_is_cut_off_before_that_is_recorded(world: World) -> None:
    store = world.sandbox.path / ".git/git-agent/agent.db"
    with closing(sqlite3.connect(store, isolation_level=None)) as other:  # the last one to close it would cut it off
        other.execute("PRAGMA synchronous=OFF")
        other.execute("INSERT INTO meta VALUES ('large', zeroblob(70000000))")
        done = world.sandbox.run(sys.executable, "-c", RACE, "store-wal", "true")
        assert done.out == "written into the database and truncated\n", done
        (data,) = other.execute("SELECT data FROM event WHERE kind = 'doctor.fixed'").fetchone()
    said = json.loads(data)
    assert said["before"]["size"] > 70_000_000 and said["after"] == {"size": 0}


def test_a_half_made_worktree_with_work_in_it_stays(world: World) -> None:
    sandbox = world.sandbox
    BREAKS["worktree half made"].do(sandbox)
    where = sandbox.path.parent / "my repo.worktrees/9-half"
    sandbox.write("README.md", "changed\n", cwd=where)
    mended = doctor(sandbox, "--fix", "--json").json()
    assert codes(mended["findings"]) == {"worktree-half"}
    assert "README.md" in mended["failed"][0]["reason"]
    assert (where / "README.md").read_text() == "changed\n"


def test_another_git_agent_on_the_path_is_named(world: World, tmp_path: Path) -> None:
    sandbox, program = world.sandbox, shutil.which("git-agent")
    assert program is not None
    for name, text, code in (
        ("foreign", "#!/bin/sh\n", "path-foreign"),
        ("second", "import git_agent\n", "path-other"),
    ):
        other = sandbox.write("git-agent", text, cwd=tmp_path / name)
        other.chmod(0o755)
        env = {"PATH": f"{other.parent}{os.pathsep}{os.environ['PATH']}"}
        done = sandbox.run(program, "doctor", "--json", env=env)
        assert [each["code"] for each in done.json()["findings"]] == [code] and done.code == 1
        assert str(other) in done.json()["findings"][0]["what"]


def test_it_can_be_asked_from_anywhere_and_of_what_is_read_only(world: World) -> None:
    sandbox = world.sandbox
    for where in (sandbox.path / "src", sandbox.path / ".git", sandbox.worktree(1)):
        assert findings(sandbox, cwd=where) == [], where
    if os.geteuid() == 0:
        return
    (sandbox.path / ".git/git-agent").chmod(0o500)
    try:
        assert codes(findings(sandbox)) == {"store-not-writable"}
    finally:
        (sandbox.path / ".git/git-agent").chmod(0o700)
