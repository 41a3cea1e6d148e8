"""The hook scripts by themselves: they touch the worker's beat or write one note; else they are silent and succeed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from git_agent.domain.spool_entry import Push, RefUpdate, StrayCommit, parse_entry
from tests.sandbox import Result, Sandbox

HOOKS = Path(__file__).parents[2] / "hooks"
OLD = 1_000_000_000  # seconds: a time that no test runs at
SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"], ["ksh"], ["zsh", "--emulate", "sh"]]
OID, ZERO = "1" * 40, "0" * 40


@pytest.fixture(params=[words for words in SHELLS if shutil.which(words[0])], ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Return the command of each shell that this machine has."""
    return list(request.param)


@pytest.fixture
def agent(repo: Sandbox) -> Path:
    """Return the store's directory with the scripts; the worktree `7-fix-login` has a beat that is long not touched."""
    repo.git("worktree", "add", "--quiet", "-b", "agent/7", repo.path.parent / "7-fix-login")
    agent = repo.path / ".git/git-agent"
    shutil.copytree(HOOKS, agent / "hooks")
    for name in ("beat", "spool"):
        (agent / name).mkdir()
    (agent / "enabled").touch()
    (agent / "program").write_text(f"{shutil.which('true')}\n")
    repo.write(".git/git-agent/beat/7-fix-login", "")
    os.utime(agent / "beat/7-fix-login", (OLD, OLD))
    return agent


@pytest.fixture
def beat(agent: Path) -> Path:
    """Return the beat file of the worker in `7-fix-login`."""
    return agent / "beat/7-fix-login"


def run_hook(
    repo: Sandbox, shell: list[str], name: str, git_dir: Path | str | None, *args: str, stdin: str = "", **env: str
) -> Result:
    """Source a hook as git's hook files do, without a PATH, so that a program that it started would be missed."""
    program = shutil.which(shell[0])
    assert program
    script = repo.path / ".git/git-agent/hooks" / name
    given = {"GIT_DIR": None if git_dir is None else str(git_dir), "PATH": "/nonexistent", **env}
    return repo.run(program, *shell[1:], "-c", f'h="{script}"; . "$h"', "hook", *args, env=given, stdin=stdin)


def assert_silent_success(result: Result) -> None:
    assert (result.code, result.out, result.err) == (0, "", ""), result


def worker(repo: Sandbox) -> Path:
    return repo.path / ".git/worktrees/7-fix-login"


def notes(agent: Path) -> list[str]:
    return sorted(file.name for file in (agent / "spool").iterdir())


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    files = sorted(str(file) for file in HOOKS.iterdir() if not file.name.startswith("."))
    done = subprocess.run(["shellcheck", "-s", "sh", *files], capture_output=True, text=True, cwd=HOOKS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["post-commit", "post-merge", "post-rewrite"])
def test_every_shell_touches_the_beat_without_starting_a_program(
    repo: Sandbox, agent: Path, beat: Path, shell: list[str], name: str
) -> None:
    assert_silent_success(run_hook(repo, shell, name, worker(repo), "rebase"))
    assert beat.stat().st_mtime > OLD
    assert notes(agent) == []


def test_the_worker_is_found_from_a_relative_git_directory(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    assert_silent_success(run_hook(repo, shell, "post-commit", ".git/worktrees/7-fix-login"))
    assert beat.stat().st_mtime > OLD


def test_a_worker_without_a_beat_file_gets_none(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    shutil.copytree(worker(repo), worker(repo).with_name("8-other"))
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo).with_name("8-other")))
    assert [file.name for file in beat.parent.iterdir()] == [beat.name]


@pytest.mark.parametrize("name", ["post-commit", "post-merge", "post-rewrite", "pre-push", "pre-commit"])
@pytest.mark.parametrize("git_dir", ["worktrees/", "/worktrees/..", "/nonexistent/worktrees/x", "-n", "."])
def test_a_git_directory_without_a_store_is_left_alone(
    repo: Sandbox, beat: Path, shell: list[str], git_dir: str, name: str
) -> None:
    assert_silent_success(run_hook(repo, shell, name, git_dir, "rebase"))
    assert beat.stat().st_mtime == OLD


@pytest.mark.parametrize("name", ["post-commit", "post-merge", "post-rewrite", "pre-push"])
def test_a_link_in_place_of_the_beat_is_not_followed(repo: Sandbox, beat: Path, shell: list[str], name: str) -> None:
    victim = repo.write("victim", "precious\n")
    beat.unlink()
    beat.symlink_to(victim)
    assert_silent_success(run_hook(repo, shell, name, worker(repo)))
    assert victim.read_text() == "precious\n"


def test_a_fifo_in_place_of_the_beat_does_not_block(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    beat.unlink()
    os.mkfifo(beat)
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo)))
    assert stat.S_ISFIFO(beat.stat().st_mode)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the way to make an open fail for root, too, is Linux's")
def test_a_beat_that_cannot_be_opened_is_passed_over_silently(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    # A running program's file cannot be opened for writing (ETXTBSY), not even by root.
    beat.unlink()
    shutil.copy2(shutil.which("sleep") or "/bin/sleep", beat)
    sleeper = subprocess.Popen([beat, "60"])
    try:
        assert_silent_success(run_hook(repo, shell, "post-merge", worker(repo)))
    finally:
        sleeper.kill()
        sleeper.wait()


# What is noted, and what is started


@pytest.mark.parametrize(
    ("name", "args"), [("post-merge", ["0"]), ("post-rewrite", ["rebase"]), ("post-commit", [])], ids=lambda it: str(it)
)
def test_what_happens_in_another_worktree_has_git_looked_at(
    repo: Sandbox, agent: Path, shell: list[str], name: str, args: list[str]
) -> None:
    started = agent / "started"
    (agent / "program").write_text(f"{agent / 'program.sh'}\n")
    (agent / "program.sh").write_text(
        f'#!{shutil.which("sh")}\necho "$@" >"{started}.new"; mv "{started}.new" "{started}"\n'
    )
    (agent / "program.sh").chmod(0o755)
    path = os.environ["PATH"]
    assert_silent_success(run_hook(repo, shell, name, None, *args, PATH=path, GIT_AGENT_HOOKS=""))
    assert notes(agent) == ["moved"]
    for _ in range(200):
        if started.exists():
            break
        subprocess.run(["sleep", "0.02"], check=True)
    assert started.read_text() == "sync --background\n"
    pid, *since = (agent / "drain.pid").read_text().split()
    assert int(pid) > 1 and all(int(each) > 0 for each in since)  # none when it had ended by then


def test_nothing_is_started_while_somebody_looks(repo: Sandbox, agent: Path, shell: list[str]) -> None:
    (agent / "drain.pid").write_text(f"{os.getpid()}\n")
    assert_silent_success(run_hook(repo, shell, "post-merge", None, GIT_AGENT_HOOKS=""))
    assert notes(agent) == ["moved"]
    assert (agent / "drain.pid").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("state", ["rebase-merge", "rebase-apply", "sequencer"])
def test_a_commit_within_a_rebase_or_a_row_of_picks_starts_nothing(repo: Sandbox, agent: Path, state: str) -> None:
    repo.write(f".git/{state}/todo", "pick 1234567 This one\npick 1234568 And the last one\n")
    assert_silent_success(run_hook(repo, ["sh"], "post-commit", None))
    assert notes(agent) == []


def test_the_last_of_a_row_of_picks_has_git_looked_at(repo: Sandbox, agent: Path, shell: list[str]) -> None:
    repo.write(".git/sequencer/todo", "pick 1234568 The last one\n")
    assert_silent_success(run_hook(repo, shell, "post-commit", None))
    assert notes(agent) == ["moved"]


@pytest.mark.parametrize("since", ["1", ""], ids=["another start", "unknown start"])
def test_a_pid_that_is_another_process_now_is_told_by_its_start(repo: Sandbox, agent: Path, since: str) -> None:
    (agent / "drain.pid").write_text(f"{os.getpid()} {since}\n")
    assert_silent_success(run_hook(repo, ["sh"], "post-merge", None, GIT_AGENT_HOOKS=""))
    assert (agent / "drain.pid").read_text().startswith(f"{os.getpid()} ") == (since == "")


def test_where_the_hooks_are_not_enabled_nothing_is_noted(repo: Sandbox, agent: Path, shell: list[str]) -> None:
    (agent / "enabled").unlink()
    line = f"refs/heads/a {OID} refs/heads/b {ZERO}\n"
    assert_silent_success(run_hook(repo, shell, "pre-push", None, "origin", "url", stdin=line))
    assert_silent_success(run_hook(repo, shell, "post-merge", None))
    assert notes(agent) == []


def test_a_commit_where_nobody_works_starts_nothing(repo: Sandbox, agent: Path, beat: Path) -> None:
    beat.unlink()
    assert_silent_success(run_hook(repo, ["sh"], "post-commit", None))
    assert notes(agent) == []


def test_an_amended_commit_elsewhere_starts_nothing_more(repo: Sandbox, agent: Path) -> None:
    assert_silent_success(run_hook(repo, ["sh"], "post-rewrite", None, "amend"))
    assert notes(agent) == []


def test_the_first_commit_has_git_looked_at_once(repo: Sandbox, agent: Path, beat: Path, shell: list[str]) -> None:
    beat.write_text("assigned\n")
    assert_silent_success(run_hook(repo, shell, "post-merge", worker(repo)))
    assert beat.read_text() == "assigned\n"  # merging the base is no work yet
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo)))
    assert (beat.read_text(), notes(agent)) == ("", ["moved"])


def test_a_superseded_worker_is_told_at_its_commit(repo: Sandbox, agent: Path, beat: Path, shell: list[str]) -> None:
    text = "superseded refs/heads/agent/7\ntask 7 is not yours: $(touch x) %s \\n\n"
    beat.write_text(text)
    result = run_hook(repo, shell, "post-commit", worker(repo))
    assert (result.code, result.out) == (0, "")
    assert result.err == "git agent: task 7 is not yours: $(touch x) %s \\n\n"
    assert (beat.read_text(), notes(agent)) == (text, ["moved"])


def test_nothing_is_said_when_the_tool_is_gone(repo: Sandbox, agent: Path, beat: Path, shell: list[str]) -> None:
    beat.write_text("superseded refs/heads/agent/7\ntask 7 is not yours\n")
    (agent / "program").write_text("/nonexistent/git-agent\n")
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo)))
    assert_silent_success(run_hook(repo, shell, "pre-push", worker(repo), "o", "u", stdin=f"a {OID} b {ZERO}\n"))
    assert notes(agent) == ["moved"]


# Pushes


def push(agent: Path) -> Push | StrayCommit | None:
    (file,) = (agent / "spool").glob("push.*")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return parse_entry(file.read_text())


def test_a_push_is_noted_with_its_refs(repo: Sandbox, agent: Path, beat: Path, shell: list[str]) -> None:
    deletion = f"(delete) {ZERO} refs/heads/c {OID}"
    lines = f"refs/heads/a {OID} refs/heads/b {ZERO}\n{deletion}\nHEAD~1 {OID} refs/for/main {ZERO}\n"
    result = run_hook(repo, shell, "pre-push", worker(repo), "my origin", "ssh://a b/c", stdin=lines)
    assert_silent_success(result)
    noted = push(agent)
    assert isinstance(noted, Push)
    assert (noted.remote, noted.url) == ("my origin", "ssh://a b/c")
    assert noted.updates == (RefUpdate(OID, "refs/heads/b"), RefUpdate(OID, "refs/for/main"))
    assert noted.pid > 1
    assert beat.stat().st_mtime > OLD


@pytest.mark.parametrize("lines", ["", f"(delete) {ZERO} refs/heads/c {OID}\n"], ids=["up to date", "deletion"])
def test_a_push_of_nothing_is_not_noted(repo: Sandbox, agent: Path, shell: list[str], lines: str) -> None:
    assert_silent_success(run_hook(repo, shell, "pre-push", None, "origin", "url", stdin=lines))
    assert notes(agent) == []


def test_the_spool_does_not_grow_without_bound(repo: Sandbox, agent: Path) -> None:
    for number in range(1000):
        (agent / f"spool/push.{number}").touch()
    line = f"refs/heads/a {OID} refs/heads/b {ZERO}\n"
    assert_silent_success(run_hook(repo, ["sh"], "pre-push", None, "origin", "url", stdin=line))
    assert len(notes(agent)) == 1000


def test_an_existing_note_is_never_overwritten(repo: Sandbox, agent: Path) -> None:
    # Process ids come back: each shell of this loop would write the same name.
    script = agent / "hooks/pre-push"
    line = f"refs/heads/a {OID} refs/heads/b {ZERO}"
    twice = f'for i in 1 2; do (h="{script}"; set -- origin url; echo "{line}" | . "$h"); done; ls "{agent}/spool"'
    result = repo.run("sh", "-c", twice, env={"GIT_DIR": None})
    assert result.code == 0 and len(result.out.split()) == 1
    assert isinstance(push(agent), Push)


# A worker outside of its worktree


def test_a_workers_commit_elsewhere_is_noted(repo: Sandbox, agent: Path, shell: list[str]) -> None:
    head = repo.git("rev-parse", "HEAD")
    who = {"GIT_AGENT_TASK": "9", "GIT_AGENT_EPOCH": "3"}
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo), **who))
    (file,) = (agent / "spool").glob("stray.*")
    where = os.path.realpath(repo.path)
    noted = parse_entry(file.read_text())
    assert noted == StrayCommit(9, 3, "ref: refs/heads/agent/7", repo.git("rev-parse", "agent/7"), where)
    file.unlink()
    assert_silent_success(run_hook(repo, shell, "post-commit", None, **who))
    (file,) = (agent / "spool").glob("stray.*")
    assert parse_entry(file.read_text()) == StrayCommit(9, 3, "ref: refs/heads/main", head, where)


def test_a_workers_commit_in_its_own_worktree_is_not_noted(repo: Sandbox, agent: Path, shell: list[str]) -> None:
    assert_silent_success(run_hook(repo, shell, "post-commit", worker(repo), GIT_AGENT_TASK="7", GIT_AGENT_EPOCH="1"))
    assert notes(agent) == []


# The guard


def test_the_guard_refuses_a_commit_on_a_superseded_branch(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    assert_silent_success(run_hook(repo, shell, "pre-commit", worker(repo)))
    beat.write_text("superseded refs/heads/agent/7\ntask 7 is not yours\n")
    result = run_hook(repo, shell, "pre-commit", worker(repo))
    assert result.code == 1
    assert "task 7 is not yours" in result.err and "hint: to keep this work: git switch -c NAME" in result.err
    (worker(repo) / "HEAD").write_text("ref: refs/heads/mine\n")
    assert_silent_success(run_hook(repo, shell, "pre-commit", worker(repo)))


@pytest.mark.parametrize(
    ("state", "line", "code"),
    [
        ("prepared", f"{ZERO} {OID} refs/heads/agent/7", 1),
        ("prepared", f"{ZERO} {OID} HEAD\n{ZERO} {OID} refs/heads/main", 1),
        ("preparing", f"{ZERO} {OID} refs/heads/main", 0),
        ("committed", f"{ZERO} {OID} refs/heads/main", 0),
        ("prepared", f"{OID} {ZERO} refs/heads/main", 0),  # a deletion, or what gc says of a packed branch
        ("prepared", f"{OID} {OID} refs/heads/main", 0),
        ("prepared", f"{ZERO} {OID} refs/heads/other", 0),
        ("prepared", f"{ZERO} {OID} refs/remotes/origin/main", 0),
        ("prepared", "", 0),
    ],
)
def test_the_guard_refuses_to_move_protected_and_superseded_branches_only(
    repo: Sandbox, agent: Path, beat: Path, shell: list[str], state: str, line: str, code: int
) -> None:
    beat.write_text("superseded refs/heads/agent/7\ntask 7 is not yours\n")
    (agent / "protected").write_text("refs/heads/main\n")
    result = run_hook(repo, shell, "reference-transaction", worker(repo), state, stdin=line + "\n" if line else "")
    assert result.code == code, result
    assert ("agent.guard" in result.err) == bool(code)


def test_the_guard_lets_people_do_everything(repo: Sandbox, agent: Path) -> None:
    (agent / "protected").write_text("refs/heads/main\n")
    moved = f"{ZERO} {OID} refs/heads/main\n"
    assert_silent_success(run_hook(repo, ["sh"], "reference-transaction", None, "prepared", stdin=moved))
    assert_silent_success(run_hook(repo, ["sh"], "pre-commit", None))
