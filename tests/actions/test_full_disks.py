"""Full disks, limits and read-only file systems: the reason is said, nothing is half made, and reading works."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox import Result, Sandbox, _environment

NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")
READING = ("list", "status", "show 1", "log", "diff 1", "doctor", "ps", "ready", "stats", "path 1", "inbox", "config")
WRITING = ("add Second", "spawn Second", "send 1 hello", "approve 1", "cancel 1", "edit 1 --title other")
NO_SPACE = "No space left on device"


@pytest.fixture(scope="module")
def mounts() -> None:
    try:
        subprocess.run([*NAMESPACE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs unshare, and root or user namespaces, to mount something")


def script(repo: Sandbox, text: str) -> Result:
    """Run a shell script in a mount namespace of its own, in the directory above the repository."""
    return repo.run(*NAMESPACE, "bash", "-c", f"set -e; cd {repo.path.parent}; {text}")


FULL = "dd if=/dev/zero of=disk/fill bs=1k 2>/dev/null || true"


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("files", [1, 60])
def test_spawn_on_a_full_disk_says_so_and_leaves_nothing(repo: Sandbox, files: int) -> None:
    """With 60 files the worktree is registered and the checkout fails; with one, nothing can be written."""
    for number in range(files):
        repo.write(f"big/{number}", os.urandom(9000))
    repo.git("add", ".")
    repo.git("commit", "--quiet", "-m", "Add files")
    repo.agent("init")
    repo.git("config", "agent.worktreeDir", str(repo.path.parent / "disk/wt"))
    room = "0" if files == 1 else "150"
    found = script(
        repo,
        f"""mkdir disk; mount -t tmpfs -o size=1500k none disk; mkdir disk/wt
        head -c $(((1500 - {room}) * 1024)) /dev/zero >disk/fill || true
        cd "{repo.path}"; git agent spawn One >said 2>&1 && exit 3
        cat said; ls -A .git/worktrees ../disk/wt 2>/dev/null || true; git branch; git agent doctor
        rm ../disk/fill; git agent spawn Two; git agent doctor""",
    )
    assert found.code == 0 and NO_SPACE in found.out and "free some space" in found.out, found
    assert "agent/1-one" not in found.out.replace("agent/1-one'", ""), found


@pytest.fixture
def stocked(repo: Sandbox) -> Sandbox:
    """Task 1 is in review."""
    repo.agent("init")
    repo.git("config", "agent.worktreeDir", str(repo.path.parent / "trees"))
    tree = Path(repo.agent("spawn", "First").out.splitlines()[-1])
    repo.commit(repo.path.parent / "trees" / tree.name, "a.txt", "x\n")
    repo.agent("done", cwd=repo.path.parent / "trees" / tree.name)
    return repo


def _commands(words: tuple[str, ...]) -> str:
    each = (f"git agent {one} >$out/said 2>&1; echo '==' {one} $?; cat $out/said" for one in words)
    return "; ".join(each)


def _answers(found: Result) -> dict[str, tuple[int, str]]:
    """Map each command to how it ended and what it said."""
    answers = dict[str, tuple[int, str]]()
    for part in found.out.split("== ")[1:]:
        head, _, said = part.partition("\n")
        answers[head.rpartition(" ")[0]] = int(head.rpartition(" ")[2]), said
    return answers


@pytest.mark.rest
@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_with_the_repositorys_disk_unwritable_reading_works_and_writing_says_why(stocked: Sandbox, how: str) -> None:
    before = stocked.tasks()
    unwritable = FULL if how == "full" else "mount -o remount,ro disk"
    again = "rm disk/fill" if how == "full" else "mount -o remount,rw disk"
    found = script(
        stocked,
        f"""mkdir disk; mount -t tmpfs -o size=20m none disk; cp -a "{stocked.path}/." disk/; out=$PWD
        mount --bind disk "{stocked.path}"; cd "{stocked.path}"; git agent list >/dev/null; cd -; {unwritable}
        cd "{stocked.path}"; set +e; {_commands(READING)}; {_commands(WRITING)}; cd -; {again}
        cd "{stocked.path}"; echo '== after' 0; git agent list --json; git fsck; git branch""",
    )
    answers = _answers(found)
    why = NO_SPACE if how == "full" else "writ"
    for words in READING:
        code, said = answers[words]
        assert (code == 0 or words == "doctor") and "error" not in said, (words, said)
    for words in WRITING:
        code, said = answers[words]
        assert code == 1 and why in said and "hint: " in said and "Traceback" not in said, (words, said)
    assert '"state": "IN_REVIEW"' in answers["after"][1] and "Second" not in answers["after"][1], found
    assert before == stocked.tasks()


def _limited(repo: Sandbox, kind: int, limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    def lower() -> None:
        resource.setrlimit(kind, (limit, limit))

    return subprocess.run(
        ["git-agent", *words], cwd=repo.path, env=_environment({}), capture_output=True, text=True, preexec_fn=lower
    )


@pytest.mark.rest
@pytest.mark.parametrize("limit", [0, 8192])
def test_under_a_limit_on_the_size_of_files_reading_works_and_writing_names_it(stocked: Sandbox, limit: int) -> None:
    for words in READING:
        read = _limited(stocked, resource.RLIMIT_FSIZE, limit, *words.split())
        assert read.returncode == 0 and "error" not in read.stderr, (words, read)
    for words in WRITING:
        wrote = _limited(stocked, resource.RLIMIT_FSIZE, limit, *words.split())
        assert wrote.returncode == 1 and "File too large" in wrote.stderr and "ulimit -f" in wrote.stderr, (
            words,
            wrote,
        )
    assert list(stocked.tasks()) == [1]


@pytest.mark.rest
@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_with_too_little_memory_no_command_blames_the_disk(stocked: Sandbox) -> None:
    told = [_limited(stocked, resource.RLIMIT_AS, megabytes << 20, "list").stderr for megabytes in range(18, 46, 2)]
    # With less, the interpreter itself does not start.
    said = [each.splitlines()[:1] for each in told if not each or "git_agent" in each or each.startswith("error: ")]
    assert all(each in ([], ["error: there is not enough memory"]) for each in said), said
    assert [] in said and len(said) > said.count([])


@pytest.fixture
def crowded(stocked: Sandbox, mounts: None) -> Iterator[Callable[[str], Result]]:
    """Return what runs a script in the repository on a full disk."""

    def run(text: str) -> Result:
        return script(
            stocked,
            f"""mkdir disk; mount -t tmpfs -o size=20m none disk; cp -a "{stocked.path}/." disk/
            mount --bind disk "{stocked.path}"; {FULL}; cd "{stocked.path}"; set +e; {text}""",
        )

    yield run


def test_what_would_wait_on_a_full_disk_ends_instead_of_stopping_the_others(
    crowded: Callable[[str], Result],
) -> None:
    found = crowded("timeout 20 git agent claim --wait; echo ended $?; git agent list")
    assert "ended 1" in found.out and "cannot wait" in found.err and "First" in found.out, found


def test_two_readers_on_a_full_disk_wait_for_each_other(crowded: Callable[[str], Result]) -> None:
    found = crowded("for i in 1 2 3 4; do git agent list & done; wait")
    assert found.out.count("First") == 4 and "error" not in found.err, found
