"""The stage of the demo: a sealed directory, in which commands run one by one or at once, and which is removed."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from git_agent.errors import AgentError, usage
from git_agent.files import temporary_root
from git_agent.git.sweeper import delete_tree
from git_agent.proc.programs import Program, ProgramGroup, defer_signals
from git_agent.record import Record

COLUMNS = 100  # width of the terminal for lists and tables
_PATIENCE_S = 60.0  # for one command; the slowest takes about a second
_KEPT = ("TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TZ")


class DemoLine(Record):
    """One line of the demo.

    kind: heading, note, command or output; who: the worker, "" for the person
    """

    kind: str
    text: str
    who: str = ""


class DemoStep(Record):
    """A command of the demo.

    who: as in DemoLine; cwd: relative to the demo's directory; exit: its exit code
    """

    command: str
    who: str
    cwd: str
    exit: int
    seconds: float


class Stage(Record):
    """The demo's directory, and the commands run in it so far."""

    root: str
    say: Callable[[DemoLine], None]
    programs: ProgramGroup
    env: Mapping[str, str]
    steps: list[DemoStep]

    def write(self, name: str, text: str) -> None:
        """Write a file, and create its directories."""
        path = Path(self.root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, command: str, *, cwd: str = "shelf", exit: int = 0, table: bool = False) -> list[str]:
        """Show a command, run it with sh, show its output, and return its lines.

        exit: the expected exit code; table: whether its output is a terminal

        Raises AgentError for any other exit code.
        """
        self.say(DemoLine("command", command))
        lines = self.ask(command, cwd=cwd, exit=exit, table=table, line=lambda text: self.say(DemoLine("output", text)))
        if exit:
            self.say(DemoLine("note", f"(exit {exit})"))
        return lines

    def ask(
        self,
        command: str,
        *,
        cwd: str = "shelf",
        exit: int = 0,
        table: bool = False,
        line: Callable[[str], None] = lambda text: None,
    ) -> list[str]:
        """Run a command without showing it. Arguments and result are those of run; line: called with each line."""
        lines: list[str] = []
        program = self._start(command, cwd, self.env, COLUMNS if table else None)

        def hear(_: Program, text: str) -> None:
            lines.append(text)
            line(text)

        self._follow({command: program}, hear)
        self._end(command, "", cwd, program, exit, lines)
        return lines

    @contextlib.contextmanager
    def at_once(self, turns: Mapping[str, tuple[str, str]]) -> Iterator[Callable[[str], None]]:
        """Run a command for each worker at the same time: (command, directory) by name.

        The block gets a function that shows their output until each has printed a given word. When the block ends, all
        commands have ended. Raises AgentError if one fails.
        """
        started = {who: self._start(*turn, self._as(who), None) for who, turn in turns.items()}
        names = {program: who for who, program in started.items()}
        heard: dict[str, list[str]] = {who: [] for who in turns}

        def hear(program: Program, text: str) -> None:
            who = names[program]
            heard[who].append(text)
            self.say(DemoLine("command", text[2:], who) if text.startswith("$ ") else DemoLine("output", text, who))

        def all_said(word: str) -> bool:
            return all(any(word in text for text in lines) for lines in heard.values())

        yield lambda word: self._follow(started, hear, lambda: all_said(word))
        self._follow(started, hear)
        for who, (command, cwd) in turns.items():
            self._end(command, who, cwd, started[who], 0, heard[who])

    def _as(self, who: str) -> Mapping[str, str]:
        roles = {f"GIT_{role}_{key}": key for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        return {**self.env, **{n: f"{who}@example.org" if k == "EMAIL" else who for n, k in roles.items()}}

    def _start(self, command: str, cwd: str, env: Mapping[str, str], width: int | None) -> Program:
        words, where = ["/bin/sh", "-c", command], os.path.join(self.root, cwd)
        return self.programs.start(words, cwd=where, env=env, terminal_width=width)

    def _follow(
        self,
        programs: Mapping[str, Program],
        line: Callable[[Program, str], None],
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        try:
            self.programs.follow(list(programs.values()), line, within_s=_PATIENCE_S, until=until)
        except TimeoutError as error:
            raise _stopped(f"{', '.join(programs)} did not end in {_PATIENCE_S:g} seconds") from error

    def _end(self, command: str, who: str, cwd: str, program: Program, exit: int, lines: list[str]) -> None:
        assert program.status is not None
        self.steps.append(DemoStep(command, who, cwd, program.status, round(program.seconds, 3)))
        if program.status != exit:
            how = f"signal {-program.status}" if program.status < 0 else f"exit code {program.status}"
            raise _stopped(f"`{command}` ended with {how}" + (f", not {exit}" if exit else ""), lines)


@contextlib.contextmanager
def demo_stage(say: Callable[[DemoLine], None], keep: str | None, colour: bool) -> Iterator[Stage]:
    """Create the directory; at the end, remove it and end every process.

    say: called with each line
    keep: a new or empty directory to use and to keep
    colour: whether the commands may use colour

    Raises AgentError: exit 2 if keep can't be used, exit 1 if the directory can't be created or removed.
    """
    root = ""
    try:
        with defer_signals():
            root = _made(keep)
        with ProgramGroup() as programs:
            yield Stage(root, say, programs, _environment(root, colour), [])
    finally:
        if root and keep is None:
            _remove(root)


def _made(keep: str | None) -> str:
    try:
        if keep is None:
            return os.path.realpath(tempfile.mkdtemp(prefix="git-agent-demo-", dir=temporary_root()))
        Path(keep).mkdir(parents=True, exist_ok=True)
        if any(Path(keep).iterdir()):
            raise usage("not-empty", f"'{keep}' is not empty", "give a new directory")
        return os.path.realpath(keep)
    except OSError as error:
        reason = error.strerror or str(error)
        where = keep or os.environ.get("TMPDIR", "/tmp")
        raise AgentError(
            "no-directory", f"cannot use '{where}': {reason}", "give another directory with --keep DIR"
        ) from error


def _remove(root: str) -> None:
    with defer_signals(), contextlib.suppress(OSError):
        delete_tree(root)
    if os.path.lexists(root):
        raise AgentError("demo-left", f"cannot remove all of '{root}'", f"rm -rf '{root}'")


def _environment(root: str, colour: bool) -> dict[str, str]:
    """Nothing of the user's git gets in: no identity, no configuration, no hooks, no repository."""
    programs = os.path.dirname(sys.executable)  # here git finds git-agent, and the scripts find this Python
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "GIT_AGENT_HOOKS": "0",  # nothing keeps running in the background after the demo
        "PATH": os.pathsep.join([programs, os.environ.get("PATH") or os.defpath]),
        "HOME": root,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": ":",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TERM": "xterm" if colour else "dumb",
    }


def _stopped(what: str, lines: list[str] | None = None) -> AgentError:
    hint = "git agent demo --keep DIR keeps the directory for inspection"
    return AgentError("demo-failed", f"the demo stopped: {what}", hint, details=tuple((lines or [])[-8:]))
