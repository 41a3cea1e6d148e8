"""Completion in the shells themselves, for `git agent` and `git-agent`, and putting it where they look."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox import Sandbox
from tests.terminals import needed

SHELLS = ("bash", "zsh", "fish")
GIT_COMPLETIONS = (
    "/usr/share/bash-completion/completions/git",
    "/opt/homebrew/etc/bash_completion.d/git-completion.bash",
)
GIT_COMPLETION = next((path for path in GIT_COMPLETIONS if Path(path).exists()), "")
# A package of its own: git's completion works without it, and has to with it.
BASH_COMPLETION = [path for path in ("/usr/share/bash-completion/bash_completion",) if Path(path).exists()]

needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
needs_git_completion = pytest.mark.skipif(not GIT_COMPLETION, reason="git's completion of bash is not installed")
needs_zsh = pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
needs_fish = pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")


@pytest.fixture(scope="module")
def tasks(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Return a repository with tasks: 1 is in review, 2 open, 3 cancelled, 4 assigned; tests don't change it."""
    made = Sandbox(Path(shutil.copytree(template, tmp_path_factory.mktemp("shell") / "my repo", symlinks=True)))
    made.agent("spawn", "Fix login")
    made.agent("done", "1", "--allow-empty")
    made.agent("add", "Write docs")
    made.agent("add", "Paint it")
    made.agent("cancel", "3")
    made.agent("spawn", "Fix logout")
    made.git("branch", "release")
    return made


def asked(repo: Sandbox, *words: str, shell: str = "zsh", cwd: Path | None = None) -> list[list[str]]:
    """Ask what could stand in place of the last word: kind, value, help."""
    result = repo.agent("completion", shell, "--complete", "--", *words, cwd=cwd)
    assert result.err == "", str(result)
    return [line.split("\t") for line in result.out.splitlines()]


def values(repo: Sandbox, *words: str) -> set[str]:
    """Ask for the values alone."""
    return {value for _, value, _ in asked(repo, *words)}


_RE = {"ready", "reassign", "release", "retry", "reopen", "reply", "request-changes", "rescue"}


def test_verbs_and_options_are_known(tasks: Sandbox) -> None:
    assert values(tasks, "re") == _RE
    assert values(tasks, "merge", "--st") == {"--strategy"} and values(tasks, "merge", "--strategy", "s") == {"squash"}
    assert values(tasks, "merge", "--strategy=r") == {"--strategy=rebase"}
    assert values(tasks, "add", "T", "--base", "re") == {"release"}
    assert values(tasks, "list", "--state", "C") == {"COMPLETED", "CANCELLED"}
    assert asked(tasks, "add", "-F", "") == [["file", "", ""]] and asked(tasks, "-C", "") == [["dir", "", ""]]


def test_agents_and_commands_are_known(tasks: Sandbox) -> None:
    tasks.git("config", "agent.run.cleaner", "sh clean.sh {prompt}")
    known = {"claude", "codex", "cleaner"}
    assert values(tasks, "run", "1", "--agent", "c") == values(tasks, "spawn", "T", "-a", "C") == known
    assert asked(tasks, "run", "1", "--", "ma") == asked(tasks, "exec", "1", "--", "") == [["file", "", ""]]
    assert values(tasks, "run", "") == {"2", "4"} and values(tasks, "logs", "") == {"1", "2", "3", "4"}


def test_a_verb_is_offered_the_tasks_it_can_act_on(tasks: Sandbox) -> None:
    assert asked(tasks, "approve", "") == [["plain", "1", "fix-login IN_REVIEW"]]
    assert values(tasks, "merge", "") == set() and values(tasks, "reopen", "") == {"3"}
    assert values(tasks, "spawn", "") == {"2"} and values(tasks, "start", "") == {"1", "4"}
    assert values(tasks, "show", "") == {"1", "2", "3", "4"} and values(tasks, "path", "") == {"1", "2", "4"}
    assert values(tasks, "approve", "1", "") == set() and values(tasks, "add", "T", "--after", "") == {"1", "2", "4"}


def test_a_task_is_also_completed_by_name_and_branch(tasks: Sandbox) -> None:
    assert values(tasks, "show", "fix") == {"fix-login", "fix-logout"}
    assert values(tasks, "show", "agent/1") == {"agent/1-fix-login"}


def test_a_title_that_could_drive_the_terminal_is_harmless(repo: Sandbox) -> None:
    repo.agent("add", "\x1b]52;c;x\x07$(touch pwned)\ttab", "--name", "plain")
    (line,) = asked(repo, "show", "")
    assert line == ["plain", "1", "plain OPEN"]


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_said_where_nothing_is_known(tmp_path: Path, shell: str) -> None:
    nowhere = Sandbox(tmp_path)
    assert asked(nowhere, "show", "", shell=shell) == [] and asked(nowhere, "no-such-verb", "", shell=shell) == []
    assert len(asked(nowhere, "", shell=shell)) > 20


def test_looking_makes_no_store(repo: Sandbox) -> None:
    assert asked(repo, "show", "") == [] and not repo.store.exists()


def bash(repo: Sandbox, line: str, function: str, *sources: str, cwd: Path | None = None) -> list[str]:
    """Return what bash would offer at the end of a line, from a function that completes."""
    program = f"""
        {"".join(f". {source}; " for source in sources)}
        eval "$(git agent completion bash)"
        COMP_LINE=$1 COMP_POINT=${{#1}} COMP_TYPE=9
        IFS=' ' read -ra COMP_WORDS <<<"$1"
        [[ $1 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        {function}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = repo.run("bash", "--norc", "-c", program, "bash", line, cwd=cwd)
    assert result.err == "", str(result)
    return [text for text in result.out.splitlines() if text]


@needs_bash
def test_bash_completes_git_agent_by_itself(tasks: Sandbox) -> None:
    assert bash(tasks, "git-agent app", "_git_agent_alone") == ["approve"]
    assert bash(tasks, "git-agent approve ", "_git_agent_alone") == ["1"]
    assert bash(tasks, "git-agent path ", "_git_agent_alone")[0] == "1  (fix-login IN_REVIEW)"
    assert bash(tasks, "git-agent merge --dry", "_git_agent_alone") == ["--dry-run"]


@needs_bash
def test_bash_knows_where_the_function_is_for(tasks: Sandbox) -> None:
    said = tasks.run("bash", "--norc", "-c", 'eval "$(git agent completion bash)"; complete -p git-agent').out
    assert re.fullmatch(r"complete .*-F _git_agent_alone git-agent\n", said)


@needs_bash
@needs_git_completion
@pytest.mark.parametrize("start", ["git agent", "git --no-pager agent", "git -C . agent"])
def test_bash_completes_git_agent_through_git(tasks: Sandbox, start: str) -> None:
    sources = [*BASH_COMPLETION, GIT_COMPLETION]
    assert bash(tasks, f"{start} app", "__git_wrap__git_main", *sources) == ["approve"]
    assert bash(tasks, f"{start} approve ", "__git_wrap__git_main", *sources) == ["1"]
    assert bash(tasks, f"{start} merge --strategy=s", "__git_wrap__git_main", *sources) == ["squash"]
    assert bash(tasks, f"{start} show fix-logi", "__git_wrap__git_main", *sources) == ["fix-login"]


@needs_bash
@needs_git_completion
def test_bash_completes_in_the_directory_that_git_is_sent_to(tasks: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tasks.path)
    sources = [*BASH_COMPLETION, GIT_COMPLETION]
    found = bash(tasks, "git -C link agent approve ", "__git_wrap__git_main", *sources, cwd=tmp_path)
    assert found == ["1"]


def typed(command: list[str], cwd: Path, *keys: tuple[str, str]) -> None:
    """Type at a shell on a terminal. keys: what is typed, and a pattern of what must be shown then within 20 s."""
    needed()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    try:
        for key, wanted in keys:
            os.write(terminal, key.encode())
            shown, until = "", time.monotonic() + 20
            while not re.search(wanted, shown):
                assert time.monotonic() < until, f"typed {key!r}, shown {shown!r}"
                if select.select([terminal], [], [], 0.2)[0]:
                    shown += os.read(terminal, 4096).decode(errors="replace")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


@needs_zsh
@pytest.mark.parametrize("start", ["git agent", "git-agent"])
def test_zsh_completes_on_a_terminal(tasks: Sandbox, tmp_path: Path, start: str) -> None:
    (tmp_path / "_git-agent").write_text(tasks.agent("completion", "zsh").out)
    typed(
        ["zsh", "-f", "-i"],
        tasks.path,
        (
            f"PS1=; fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; print rea''dy\r",
            "ready",
        ),
        (f"{start} appr\t", "approve"),
        ("\t", "1"),
        ("\x01print -r -- '[\x05]'\r", rf"\[{start} approve 1 ?\]\r?\n"),
    )


@needs_fish
@pytest.mark.parametrize("start", ["git agent", "git-agent"])
def test_fish_completes(tasks: Sandbox, tmp_path: Path, start: str) -> None:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    tasks.agent("completion", "fish", "--install", env=env)

    def offered(line: str) -> list[str]:
        return tasks.run("fish", "-c", f"complete -C '{line}'", env=env).out.splitlines()

    assert offered(f"{start} appr") == ["approve\tApprove a task at its current commit"]
    assert offered(f"{start} path ") == [
        "1\tfix-login IN_REVIEW",
        "2\twrite-docs OPEN",
        "4\tfix-logout ASSIGNED",
    ]
    assert [line.split("\t")[0] for line in offered(f"{start} merge --dr")] == ["--dry-run"]


@pytest.mark.parametrize("shell", SHELLS)
def test_installing_twice_changes_nothing(tmp_path: Path, shell: str) -> None:
    box, env = Sandbox(tmp_path), {"HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    first = box.agent("completion", shell, "--install", "--json", env=env).json()
    again = box.agent("completion", shell, "--install", "--json", env=env).json()
    assert [p["changed"] for p in first["installed"]] == [True, True]
    assert [p["changed"] for p in again["installed"]] == [False, False]
    script, page = (Path(p["path"]) for p in first["installed"])
    assert script.read_text() == box.agent("completion", shell).out and page.read_text().startswith('.\\"')
    assert page == tmp_path / "home/.local/share/man/man1/git-agent.1" and first["todo"]


def test_the_directories_of_the_xdg_specification_are_used(tmp_path: Path) -> None:
    box, env = (
        Sandbox(tmp_path),
        {"HOME": None, "XDG_DATA_HOME": f"{tmp_path}/data", "XDG_CONFIG_HOME": f"{tmp_path}/c"},
    )
    for shell in SHELLS:
        box.agent("completion", shell, "--install", env=env)
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()}
    assert files == {
        "data/bash-completion/completions/git-agent",
        "data/zsh/site-functions/_git-agent",
        "c/fish/conf.d/git-agent.fish",
        "data/man/man1/git-agent.1",
    }


@pytest.mark.parametrize("what", ["file", "link", "directory"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, what: str) -> None:
    place = tmp_path / ".local/share/bash-completion/completions/git-agent"
    place.parent.mkdir(parents=True)
    (tmp_path / "mine").write_text("mine\n")
    if what == "file":
        place.write_text("mine\n")
    elif what == "link":
        place.symlink_to(tmp_path / "mine")
    else:
        place.mkdir()
    result = Sandbox(tmp_path).agent("completion", "bash", "--install", env={"HOME": str(tmp_path)}, exit=None)
    assert result.code in (1, 3) and result.err.startswith("error: ")
    assert (tmp_path / "mine").read_text() == "mine\n" and place.is_dir() == (what == "directory")
    assert what == "directory" or place.read_text() == "mine\n"


def test_without_a_home_it_says_so(tmp_path: Path) -> None:
    result = Sandbox(tmp_path).agent("completion", "bash", "--install", env={"HOME": None}, exit=1)
    assert result.err.startswith("error: HOME is not set\nhint: ")


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_finds_the_page_after_what_is_said_to_do(tmp_path: Path) -> None:
    box = Sandbox(tmp_path)
    said = box.agent("completion", "bash", "--install", env={"HOME": str(tmp_path)}).out
    exported = re.search(r"export MANPATH=(\S+):\$MANPATH", said)
    assert exported is not None
    shown = box.run("git", "agent", "--help", env={"MANPATH": exported[1] + ":", "HOME": str(tmp_path)})
    assert shown.code == 0 and "run many coding agents" in shown.out


def test_a_shell_that_is_not_known_is_a_usage_error(tmp_path: Path) -> None:
    assert Sandbox(tmp_path).agent("completion", "tcsh", exit=2).err.startswith("error: ")
    assert Sandbox(tmp_path).agent("completion", "bash", "zsh", exit=2).err.startswith("error: unexpected argument")


@needs_bash
@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_bash_script_is_clean(tmp_path: Path) -> None:
    script = tmp_path / "git-agent.bash"
    script.write_text(Sandbox(tmp_path).agent("completion", "bash").out)
    # SC2207, SC2034, SC2154: completion functions share variables with the one that calls them.
    command = ["shellcheck", "--shell=bash", "--exclude=SC2207,SC2034,SC2154", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_completing_reads_the_store_and_nothing_more(tasks: Sandbox) -> None:
    code = (
        "import sys; sys.argv[1:] = ['completion', 'bash', '--complete', '--', 'show', '']\n"
        "from git_agent.cli.main import run\n"
        "try: run()\nexcept SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    loaded = set(tasks.run(sys.executable, "-c", code).err.splitlines())
    assert "apsw" in loaded and not loaded & {"peewee", "pygit2", "rich"}
