"""The transcripts in tests/scenarios: each is typed again, in a fresh repository, and must print what it says.

A line `$ command` is what is typed, by `sh`; below it stands what is printed: `! ` marks stderr, `(exit 3)` ends a
command that fails. JSON is written over several lines. Lines between commands that start with `#` are the author's.
`cd`, `export` and `unset` last until the end of the file. `pytest --update tests/test_scenarios.py` rewrites the files.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO

import click
import pytest

from git_agent.domain.task import State
from tests.sandbox import TIMEOUT, Sandbox
from tests.warm import status

SCENARIOS = Path(__file__).with_name("scenarios")
BOX = "/box"
# What a shell would hand over as it stands: its words need no shell.
PLAIN = re.compile(r"""git agent( ([\w@%+=:,./-]+|"[^"$`\\!]*"|'[^']*'))*""")
# What truly varies: moments, ages, process ids. Oids do not, since the dates of commits are fixed.
VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>"),
    (r"(?<!\.)\b(alive|late|stale|stalled) \d+[smhd]\b", r"\1 <age>"),
    (rf"(?m)^( *(?:\d+\t)?(?:{'|'.join(State)})\t.*\t)\d+[smhd](?=\t|$)", r"\1<age>"),
    (r"(?m)^((?:-|\d+(?:/\d+)?)\t)\d+[smhd](?=\t)", r"\1<age>"),
    (r"\(\d+[smhd]\)", "(<age>)"),
    (r"(?m)( *\b)\d+[smhd] ago\b", r"\1<age> ago"),
    (r'("(?:beat_age_s|progress_age_s)": )[\d.]+', r"\1<age>"),
    (r"\b(pid|process|process inside:) \d+", r"\1 <pid>"),
    (r"(?m)^((?:! )?--- )[0-9a-f]{16}(?= data,|$)", r"\1<mark>"),
)


@dataclass
class Shell:
    """A person at a prompt: where they are and what they have exported."""

    cwd: Path
    box: Path
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def type(self, line: str) -> str:
        """Run one line; return what appears on the screen, normalised."""
        word, _, rest = line.partition(" ")
        if word == "cd":
            there = Path(self.env["OLDPWD"] if rest == "-" else self._output(f"cd {rest} && pwd -P"))
            self.env["OLDPWD"], self.cwd = str(self.cwd), there
            return ""
        if word == "export":
            name, _, value = rest.partition("=")
            self.env[name] = self._output(f"printf %s {value}")
            return ""
        if word == "unset":
            self.env.pop(rest, None)
            return ""
        chunks, code = self._run(line)
        return self._normal(_marked(chunks)) + (f"(exit {code})\n" if code else "")

    def _output(self, line: str) -> str:
        chunks, code = self._run(line)
        assert code == 0, f"$ {line}\n{_marked(chunks)}"
        return b"".join(text for name, text in chunks if name == "out").decode().rstrip("\n")

    def _run(self, line: str) -> tuple[list[tuple[str, bytes]], int]:
        return (PLAIN.fullmatch(line) and self._warm(shlex.split(line)[2:])) or self._by_shell(line)

    def _by_shell(self, line: str) -> tuple[list[tuple[str, bytes]], int]:
        null, pipe = subprocess.DEVNULL, subprocess.PIPE
        with subprocess.Popen(
            ["sh", "-c", line], cwd=self.cwd, env=self.env, stdin=null, stdout=pipe, stderr=pipe
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            chunks = _read({"err": process.stderr, "out": process.stdout})
            return chunks, process.wait(timeout=TIMEOUT)

    def _warm(self, args: list[str]) -> tuple[list[tuple[str, bytes]], int] | None:
        """Run `git agent args` forked warm, with no shell and no git before it; None when it has to be run cold."""
        if Sandbox.warm is None:
            return None
        with ExitStack() as stack:
            pipes = [os.pipe(), os.pipe()]
            out, err = (stack.enter_context(os.fdopen(read, "rb", 0)) for read, _ in pipes)
            null = stack.enter_context(open(os.devnull))
            there = Sandbox.warm.order(args, str(self.cwd), self.env, (null.fileno(), pipes[0][1], pipes[1][1]))
            for _, write in pipes:
                os.close(write)
            if there is None:
                return None
            stack.enter_context(there)
            chunks = _read({"err": err, "out": out})
            code = status(b"".join(iter(partial(there.recv, 64), b"")))
            return None if code is None else (chunks, code if code >= 0 else 128 - code)

    def _normal(self, text: str) -> str:
        text = "".join(map(_pretty, text.splitlines(keepends=True))).replace(str(self.box), BOX)
        for pattern, shown in VARYING:
            text = re.sub(pattern, shown, text)
        return text


def _read(streams: Mapping[str, IO[bytes]]) -> list[tuple[str, bytes]]:
    """Read both streams as they come; what is ready at the same time counts as said on stderr first."""
    chunks: list[tuple[str, bytes]] = []
    with selectors.DefaultSelector() as selector:
        for name, stream in streams.items():
            selector.register(stream, selectors.EVENT_READ, name)
        while selector.get_map():
            ready = selector.select(TIMEOUT)
            assert ready, "the command hangs"
            for key, _ in sorted(ready, key=lambda found: str(found[0].data)):
                data = os.read(key.fd, 65536)
                chunks.append((key.data, data))
                if not data:
                    selector.unregister(key.fileobj)
    return chunks


def _marked(chunks: list[tuple[str, bytes]]) -> str:
    """Join what each stream said without a break, and mark the lines of stderr."""
    shown = ""
    for name, data in _joined(chunks):
        for line in data.decode(errors="backslashreplace").splitlines():
            shown += ("! " if name == "err" else "") + line + "\n"
    return shown


def _joined(chunks: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    joined: list[tuple[str, bytes]] = []
    for name, data in chunks:
        if joined and joined[-1][0] == name:
            joined[-1] = (name, joined[-1][1] + data)
        elif data:
            joined.append((name, data))
    return joined


def _pretty(line: str) -> str:
    if not (line.startswith('{"schema"') and line.endswith("}\n")):
        return line
    return json.dumps(json.loads(line), indent=2) + "\n"


def _played(script: str, shell: Shell) -> str:
    """Type every `$` line of a transcript; return the transcript as it is now."""
    shown = ""
    for line, following in pairwise([*script.splitlines(), ""]):
        if line.startswith("$ "):
            printed = shell.type(line[2:])
            assert not re.search(r"(?m)^(\$ |#)|\n\n\Z", printed), f"can't be told from the author's lines:\n{printed}"
            shown += f"{line}\n{printed}"
        elif line.startswith("#") or (not line and following.startswith(("$ ", "#"))):
            shown += f"{line}\n"
    return shown


def _alike(text: str) -> str:
    """Return a transcript without what git's versions do differently: the spaces before the commits of worktrees."""
    return re.sub(r"(?m)^(.*?) +(?=[0-9a-f]{7} (?:\[|\(detached HEAD\)))", r"\1 ", text)


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.txt")), ids=lambda file: file.stem)
def test_a_transcript_is_printed_again(file: Path, repo: Sandbox, request: pytest.FixtureRequest) -> None:
    written = file.read_text()
    shell = Shell(repo.path, repo.path.parent)
    if Sandbox.warm is not None and "git agent doctor" not in written:  # which finds a second git-agent on PATH
        shell.env["PATH"] = f"{Sandbox.warm.directory}:{shell.env['PATH']}"
    played = _played(written, shell)
    if request.config.getoption("--update"):
        file.write_text(played)
    else:
        assert _alike(played) == _alike(written), "pytest --update rewrites the transcript"


def test_a_command_in_a_hint_can_be_typed_as_it_stands() -> None:
    """A hint's command ends at a comma, a semicolon or the end; its verb and its options are understood."""
    from git_agent.cli.main import group

    wrong, top = [], click.Context(group, **group.context_settings)
    for file in SCENARIOS.glob("*.txt"):
        hints = "\n".join(re.findall(r"(?m)^! hint: .*", file.read_text()))
        for typed in re.findall(r"git agent ([^,;\n]*)", hints):
            verb, *words = shlex.split(typed)
            command = group if verb == "-h" else group.get_command(top, verb)
            try:
                assert command is not None, "no such verb"
                command.make_context(verb, words, parent=top)
            except (AssertionError, click.ClickException) as error:
                wrong.append(f"{file.stem}: git agent {typed}: {error}")
            except click.exceptions.Exit:
                pass
    assert wrong == []
