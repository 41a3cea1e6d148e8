"""What an agent prints reaches the person and the log; what it is given reaches the agent."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from git_agent.proc import logfile
from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage


def test_both_outputs_go_where_they_belong_and_into_the_log(stage: Stage) -> None:
    stage.spawn()
    done = stage.box.agent("run", "1", "--", "sh", "-c", "echo out; echo err >&2", exit=1)
    assert done.out == "out\n" and "err\n" in done.err
    assert sorted(stage.log().splitlines()) == ["err", "out"]
    assert (stage.agent / "logs/1.1.log").stat().st_mode & 0o777 == 0o600


def test_standard_input_is_passed_through(stage: Stage) -> None:
    stage.spawn()
    assert stage.box.agent("run", "1", "--", "cat", stdin="to be read\n", exit=1).out == "to be read\n"


def test_the_command_has_its_identity_and_no_git_variables(stage: Stage) -> None:
    where = stage.spawn()
    done = stage.box.agent("run", "1", "--", "env", env={"GIT_DIR": str(stage.box.path / ".git")}, exit=1)
    env = dict(line.partition("=")[::2] for line in done.out.splitlines())
    assert (env["GIT_AGENT_TASK"], env["GIT_AGENT_EPOCH"], env["GIT_AGENT_ACTOR"]) == ("1", "1", "worker 1.1")
    assert env["GIT_AGENT_WORKTREE"] == str(where) and len(env["GIT_AGENT_TOKEN"]) == 64
    assert "GIT_DIR" not in env
    assert env["GIT_AGENT_TOKEN"] not in str(stage.session())


def test_bytes_that_are_no_text_pass(stage: Stage) -> None:
    stage.spawn()
    raw = subprocess.run(
        ["git-agent", "run", "1", "--", "printf", r"\377\000\033[31mx"], cwd=stage.box.path, capture_output=True
    )
    assert raw.stdout == b"\xff\0\x1b[31mx"
    assert stage.box.agent("logs", "1").out == "\ufffd\\x00x"
    kept = subprocess.run(["git-agent", "logs", "1", "--raw"], cwd=stage.box.path, capture_output=True)
    assert kept.stdout == raw.stdout


@pytest.mark.rest
def test_a_flood_is_passed_on_whole_and_kept_in_part(stage: Stage) -> None:
    """200 MB: the memory does not grow, the log is cut, nothing is lost on the way."""
    stage.spawn()
    script = "head -c 200000000 /dev/zero; echo the end"
    with (
        open(os.devnull, "wb") as nowhere,
        subprocess.Popen(["wc", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as count,
    ):
        done = stage.start("run", "1", "--", "sh", "-c", script, stdout=count.stdin, stderr=nowhere)
        assert count.stdin is not None and count.stdout is not None
        count.stdin.close()
        assert done.wait(timeout=60) == 1
        assert int(count.stdout.read()) == 200_000_008
    files = list((stage.agent / "logs").iterdir())
    assert sorted(f.name for f in files) == ["1.1.log", "1.1.log.1"]
    assert sum(f.stat().st_size for f in files) <= 2 * logfile.FILE_LIMIT
    assert stage.log().endswith("the end\n")


def test_a_reader_that_goes_away_does_not_end_the_agent(stage: Stage) -> None:
    stage.spawn()
    script = f"for i in 1 2 3 4 5 6; do echo line $i; sleep 0.1; done; {WORK}"
    process = stage.start("run", "1", "--", "sh", "-c", script)
    assert process.stdout is not None and process.stdout.readline() == b"line 1\n"
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None
    process.stderr.close()
    assert stage.log().count("line") == 6 and stage.where() == ("IN_REVIEW", None)


def test_a_reader_that_does_not_read_holds_up_the_agent_and_not_the_beats(stage: Stage) -> None:
    stage.spawn()
    process = stage.run("echo ready; head -c 1000000 /dev/zero; echo done >done")
    before = stage.lease()
    eventually(lambda: (stage.lease() or {})["beat_at"] > (before or {})["beat_at"] + 400, stage.lease)
    assert not Path(stage.task()["worktree"], "done").exists()
    assert stage.ended(process)[0] == 1


def test_closed_streams_do_no_harm(stage: Stage) -> None:
    stage.spawn()
    script = f'git-agent run 1 -- sh -c "echo hello; {WORK}" <&- >&- 2>&-'
    assert stage.box.run("sh", "-c", script).code == 0
    assert stage.log() == "hello\n" and stage.where() == ("IN_REVIEW", None)


def test_few_files_are_enough(stage: Stage) -> None:
    stage.spawn()
    assert stage.box.run("sh", "-c", "ulimit -n 20; git-agent run 1 -- echo hello").out == "hello\n"


def test_a_full_disk_costs_the_log_and_not_the_agent(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "full")
    log = logfile.Logfile("/dev/full")
    log.write(b"hello")
    assert log.failed is not None and log.failed.strerror == "No space left on device"
    log.close()


def test_old_logs_make_room(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"{number}.1.log"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    logfile.prune_logs(str(tmp_path), limit=250)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3.1.log", "4.1.log"]


# Agents by name


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("printf '<%s>' {title}", "<Fix; rm -rf $HOME>"),
        ("printf '<%s>' -- '{task} {branch} {base}' {title}", "<--><1 agent/1-fix main><Fix; rm -rf $HOME>"),
        ("printf '<%s>' 'a b' {}", "<a b><{}>"),
        ("cat {file}", "Task 1: Fix; rm -rf $HOME\n\nA {title} and\n$(touch pwned)\n"),
        ("cat {stdin}", "Task 1: Fix; rm -rf $HOME\n\nA {title} and\n$(touch pwned)\n"),
        ("printf '<%s>' {prompt}", "<Task 1: Fix; rm -rf $HOME\n\nA {title} and\n$(touch pwned)>"),
    ],
)
def test_an_agent_of_the_configuration_gets_title_and_body_and_no_shell(
    stage: Stage, command: str, printed: str
) -> None:
    stage.box.git("config", "agent.run.Me", command)
    body = "A {title} and\n$(touch pwned)"
    stage.box.agent("add", "Fix; rm -rf $HOME", "--name", "fix", "-F", "-", stdin=body)
    done = stage.box.agent("run", "1", "--agent", "Me", exit=1)
    assert done.out == printed
    assert not Path(stage.task()["worktree"], "pwned").exists()
    assert not list((stage.agent / "prompts").glob("*")) if "{file}" in command or "{stdin}" in command else True


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("printf '<%s>' -p {prompt}", "<-p><Task 1: --yolo\n\n-x>"),
        ("printf '<%s>' -p {title} {body}", "<-p><Task 1: --yolo><Task 1: -x>"),
        ("cat {stdin}", "Task 1: --yolo\n\n-x\n"),
    ],
)
def test_a_title_that_looks_like_an_option_stays_text(stage: Stage, command: str, printed: str) -> None:
    stage.box.git("config", "agent.run.me", command)
    stage.box.agent("add", "--title=--yolo", "--name", "x", "-F", "-", stdin="-x")
    assert stage.box.agent("run", "1", "--agent", "me", exit=1).out == printed


def test_the_agent_of_the_task_or_the_default_one_is_meant(stage: Stage) -> None:
    stage.box.git("config", "agent.run.one", "echo one")
    stage.box.git("config", "agent.run.two", "echo two")
    stage.box.git("config", "agent.defaultAgent", "one")
    stage.box.agent("spawn", "A", "--agent", "two")
    stage.box.agent("add", "B")
    assert stage.box.agent("run", "1", exit=1).out == "two\n"
    assert stage.box.agent("run", "2", exit=1).out == "one\n"
    assert stage.box.agent("run", "1", "--agent", "one", exit=1).out == "one\n"


@pytest.mark.parametrize("bad", ["", "  ", "echo 'open", "{stdin}"])
def test_a_command_that_is_none_is_said(stage: Stage, bad: str) -> None:
    stage.box.git("config", "agent.run.me", bad)
    stage.spawn()
    said = stage.box.agent("run", "1", "--agent", "me", exit=2).err
    assert "agent.run.me" in said and "hint: " in said
    assert stage.where() == ("ASSIGNED", None)


def test_a_committed_command_counts_only_when_it_is_trusted(stage: Stage) -> None:
    stage.box.commit(None, ".gitagent", '[agent "run"]\n\tme = echo committed\n')
    stage.spawn()
    said = stage.box.agent("run", "1", "--agent", "me", exit=2).err
    assert "agent.run.me is not trusted" in said and "git agent trust" in said
    stage.box.agent("trust")
    assert stage.box.agent("run", "1", "--agent", "me", exit=1).out == "committed\n"


def test_the_log_tells_the_runs_of_an_attempt_apart(stage: Stage) -> None:
    stage.spawn()
    for word in ("first", "second"):
        stage.box.agent("run", "1", "--", "printf", word, exit=1)
    before, mark, after = stage.log().splitlines()
    assert (before, after) == ("first", "second") and mark.startswith("[git agent: run again at 20"), mark
    assert mark.endswith("Z: printf second]"), mark


@pytest.mark.rest
def test_a_log_that_is_no_file_is_neither_waited_for_nor_followed(stage: Stage, tmp_path: Path) -> None:
    stage.spawn()
    log, victim = stage.agent / "logs" / "1.1.log", tmp_path / "victim"
    victim.write_text("secret\n")
    log.parent.mkdir()
    for make in (lambda: os.mkfifo(log), lambda: log.symlink_to(victim), log.mkdir):
        make()
        assert "the log is incomplete" in stage.box.agent("run", "1", "--", "echo", "out", exit=1).err
        shown = stage.box.agent("logs", "1", exit=1)
        assert shown.err.startswith(f"error: cannot read {log}: ") and "secret" not in shown.out
        log.rmdir() if log.is_dir() else log.unlink()
    assert victim.read_text() == "secret\n"


@pytest.mark.rest
def test_what_stands_in_place_of_logs_and_prompts_is_said_and_stays(stage: Stage, tmp_path: Path) -> None:
    stage.spawn()
    stage.box.git("config", "agent.run.me", "cat {file}")
    for name in ("logs", "prompts", "prompts/1.1.md"):
        place = stage.agent / name
        for make in (os.mkfifo, Path.mkdir, lambda at: at.symlink_to(tmp_path / "nowhere" / "x")):
            place.parent.mkdir(exist_ok=True)
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
            make(place)
            said = stage.box.run("git-agent", "run", "1", "--agent", "me")
            assert "Traceback" not in said.err, (place, said)
            ran = "task 1 is WORKING no_commits" in said.err
            assert said.out.startswith("Task 1: Fix login\n") if ran else said.err.count("hint: ") == 1, (
                place,
                said,
            )
        place.unlink(missing_ok=True)
    assert not (tmp_path / "nowhere").exists()
