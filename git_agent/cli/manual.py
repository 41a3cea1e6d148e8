"""The manual page and docs/cli.md, printed from the commands' own help."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping

import click

from git_agent import __version__
from git_agent.cli.completion.scripts import MARK
from git_agent.cli.main import group
from git_agent.cli.verbs import SECTIONS, VERBS
from git_agent.config import KEYS
from git_agent.domain.task import MOVES, State
from git_agent.render.contract import ENVIRONMENT, EXITS, FILES, HOLDS, STATES, TASK
from git_agent.render.json import SCHEMA

_DESCRIPTION = """\
Many coding agents, and people, work in one repository at the same time. One task is one branch, one worktree and at
most one worker. `git agent spawn` makes the branch and the worktree; the worker commits there as ever and hands in with
`git agent done`; a reviewer approves or requests changes; `git agent merge` brings the work to the base and removes
what is no longer needed. `git agent status` says who waits for you and what to type.

State, events and messages are in one store in the repository's common git directory, which all worktrees share. Git is
asked about everything else: each verb first looks at what happened in git, so that a branch merged, moved or removed by
hand is known. There is no server and no daemon.

TASK is an id (`7`), a name (`fix-login`) or a branch (`agent/7-fix-login`). In a worker's worktree it can be left out:
that worktree's task is meant. The worktree also says who speaks: a worker there, a person everywhere else.

At the same user id git agent prevents accidents and leaves evidence; it cannot restrain a process that runs as you.
"""
_QUESTIONS = """\
On a terminal, `undo` asks before it undoes several operations, `rescue prune` before it deletes anything, and
`deinit --purge` before it removes a store with unfinished tasks. `-y` answers yes. Without a terminal nothing asks:
these verbs refuse and name the flag. `merge`, `rm` and `clean` also take `-y`, and never ask."""
_EXAMPLES = {
    "A task from the first command to the last": (
        'cd "$(git agent spawn "Fix login")"',
        "git agent start",
        "# ... edit, git commit ...",
        'git agent done -m "tokens are renewed"',
        "cd -",
        "git agent diff 1",
        "git agent approve 1",
        "git agent merge 1",
    ),
    "A queue, and workers that take from it": (
        'git agent add "Write the parser" --name parser',
        'git agent add "Write the printer" --after parser',
        'cd "$(git agent claim --wait)"',
    ),
    "See it all in a throwaway repository": ("git agent demo",),
}


def commands() -> Iterator[tuple[str, str, click.Command]]:
    """Yield section, name and command of every verb, and of the verbs that it has, in the order of the help."""
    for section in SECTIONS:
        for name, verb in VERBS.items():
            command = group.get_command(click.Context(group), name)
            if verb.section == section and command is not None:
                yield section, name, command
                for below in getattr(command, "commands", {}).values():
                    yield section, f"{name} {below.name}", below


def invocation(name: str, command: click.Command) -> str:
    """Write a verb with its options' place and its arguments: `merge [OPTIONS] [TASK]...`."""
    pieces = command.collect_usage_pieces(_context(command, name))
    return " ".join([name, *(piece for piece in pieces if piece)])


def _context(command: click.Command, name: str | None) -> click.Context:
    """As it is typed, below the group: click keeps the first help option that it makes, and `-h` is the group's."""
    return click.Context(command, info_name=name, parent=click.Context(group, **group.context_settings))


def options(command: click.Command) -> list[tuple[str, str]]:
    """List a verb's options as they are given, with their help; those that every verb has are left out."""
    context = _context(command, command.name)
    records = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    return [r for r in records if r is not None and not r[0].startswith("--json")]


def reference() -> str:
    """Write docs/cli.md."""
    lines = ["# Verbs\n", "<!-- Printed by `make docs` from the commands' own help; change that. -->\n"]
    lines += ["Every verb also has `--json` (see [json.md](json.md)) and `-h`. `git agent -C PATH VERB` runs in PATH."]
    lines += ["", _QUESTIONS]
    for at, (section, name, command) in enumerate(found := list(commands())):
        if at == 0 or found[at - 1][0] != section:
            lines.append(f"\n## {section}")
        lines += [f"\n### git agent {invocation(name, command)}\n", inspect.cleandoc(command.help or "")]
        shown = [f"- `{given}` {text}" for given, text in options(command)]
        lines += ["", *shown] if shown else []
    return "\n".join(lines) + "\n"


def page() -> str:
    """Write the manual page, git-agent(1), in the man macros of roff."""
    return (
        "\n".join([f'.\\" {MARK}', f'.TH GIT\\-AGENT 1 "" "git\\-agent {__version__}" "Git Manual"', *_sections()])
        + "\n"
    )


def _sections() -> Iterator[str]:
    yield from (".SH NAME", "git\\-agent \\- run many coding agents in one git repository")
    yield from (".SH SYNOPSIS", "\\fBgit agent\\fR [\\fB\\-C\\fR \\fIPATH\\fR] \\fIVERB\\fR [\\fIARGS\\fR...]", ".br")
    yield "\\fBgit agent\\fR \\fIVERB\\fR \\fB\\-h\\fR"
    yield from (".SH DESCRIPTION", *_prose(_DESCRIPTION))
    yield from (
        ".SH VERBS",
        *_prose(f"Every verb has `--json`, which answers with one JSON object, and `-h`.\n\n{_QUESTIONS}"),
        *_verbs(),
    )
    yield from (".SH STATES", *_states())
    yield from (".SH EXIT STATUS", *_list({str(code): text for code, text in EXITS.items()}))
    yield from (".SH CONFIGURATION", *_configuration())
    yield from (".SH FILES", *_list(FILES))
    yield from (".SH ENVIRONMENT", *_list(ENVIRONMENT))
    yield from (".SH JSON", *_json())
    yield from (".SH EXAMPLES", *_examples())
    yield from (".SH SEE ALSO", "\\fBgit\\-worktree\\fR(1), \\fBgit\\-merge\\fR(1), \\fBgit\\-config\\fR(1)")


def _verbs() -> Iterator[str]:
    last = ""
    for section, name, command in commands():
        if section != last:
            yield f".SS {_roff(section)}"
            last = section
        yield from (".TP", f"\\fB{_roff(name)}\\fR {_roff(invocation(name, command).removeprefix(name).lstrip())}")
        yield from _prose(inspect.cleandoc(command.help or ""), between=".sp")
        if listed := options(command):
            yield from (".RS", *_list(dict(listed)), ".RE")


def _states() -> Iterator[str]:
    for state in State:
        steps = [f"{m.step} ({m.who}): {m.target}" for m in MOVES if state in m.sources]
        text = STATES[state][0].upper() + STATES[state][1:] + "."
        yield from (".TP", f"\\fB{state}\\fR", *_lines(text), ".br", *_lines("Then " + "; ".join(steps) + "."))
    yield ".PP"
    yield from _prose("A WORKING task may have a hold, and then waits for somebody; `start` resumes it:")
    yield from _list({str(hold): text for hold, text in HOLDS.items()})


def _configuration() -> Iterator[str]:
    yield from _prose(
        "Keys of git's own configuration; `git agent config` shows their values. A committed `.gitagent` may give them"
        " for a team: keys that name commands then count after `git agent trust`."
    )
    yield from _list({k.name: k.sentence + (f" Default: `{k.default}`." if k.default else "") for k in KEYS})


def _json() -> Iterator[str]:
    yield from _prose(
        f'With `--json` a verb prints one object, `{{"schema": {SCHEMA}, ...}}`: `task` or `tasks`, or what the verb is'
        " asked for; `log` and `watch` one object a line. A failure is `error` with `code`, `message` and `hint`. A"
        " task has:"
    )
    yield from _list({key: f"{text} ({kind})" for key, (kind, text) in TASK.items()})


def _examples() -> Iterator[str]:
    for number, (title, lines) in enumerate(_EXAMPLES.items()):
        yield from ([".PP"] if number else [])
        yield from (_roff(title) + ":", ".sp", ".RS 4", ".nf", *map(_roff, lines), ".fi", ".RE")


def _list(entries: Mapping[str, str]) -> Iterator[str]:
    for term, text in entries.items():
        yield from (".TP", f"\\fB{_roff(term)}\\fR", *_lines(text))


def _prose(text: str, between: str = ".PP") -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        yield from ([between] if number else [])
        yield from _lines(paragraph)


def _lines(text: str) -> list[str]:
    """Break a paragraph so that the page can be read unformatted, and `code` stays on its line."""
    kept = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(kept, 76, break_long_words=False, break_on_hyphens=False)
    return [_roff(line.replace("\0", " ")) for line in lines]


def _roff(text: str) -> str:
    """Escape a line: no control line, hyphens that can be copied, `code` in bold."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti").replace("'", "\\(aq")
    )
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text.startswith(".") else text
