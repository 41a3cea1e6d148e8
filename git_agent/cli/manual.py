"""The manual page and docs/cli.md, generated from the commands' own help."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping

import click

from git_agent import __version__
from git_agent.cli.completion.scripts import MARK
from git_agent.cli.main import group
from git_agent.domain.config_keys import KEYS
from git_agent.domain.task import MOVES, State
from git_agent.render.contract import ENVIRONMENT, EXITS, FILES, HOLDS, STATES, TASK
from git_agent.render.json import SCHEMA
from git_agent.verbs import SECTIONS, VERBS, Who

_DESCRIPTION = """\
With `git agent`, many coding agents and people work in one repository at the same time. A task is one branch, one
worktree and at most one worker. `git agent spawn` creates the branch and the worktree. The worker commits there as
usual and hands in with `git agent done`. A reviewer approves or requests changes. `git agent merge` merges the work
into the base and removes the worktree and the branch. `git agent status` shows what needs you and what to type next.

State, events and messages are in one store in the repository's common git directory, which all worktrees share.
Everything else comes from git. Each verb first checks what happened in git, so it notices a branch that you merged,
moved or removed by hand. There is no server and no daemon.

TASK is an id (`7`), a name (`fix-login`) or a branch (`agent/7-fix-login`). In a worker's worktree, TASK defaults to
the task of that worktree. The worktree also identifies you: inside it you are its worker, everywhere else a person.

All agents run under your user id. `git agent` prevents accidents and leaves evidence, but it cannot restrain a process
that runs as you.
"""
_QUESTIONS = """\
On a terminal, `undo` asks before it undoes several operations, `rescue prune` before it deletes anything, and
`deinit --purge` before it removes a store with unfinished tasks. `-y` answers yes. Without a terminal these verbs
refuse instead of asking, and name the flag. `merge` and `rm` accept `-y`, but never ask. `clean`
asks only with `--remote`."""
_EXAMPLES = {
    "A task from start to end": (
        'cd "$(git agent spawn "Fix login")"',
        "git agent start",
        "# ... edit, git commit ...",
        'git agent done -m "tokens are renewed"',
        "cd -",
        "git agent diff 1",
        "git agent approve 1",
        "git agent merge 1",
    ),
    "A queue, and a worker that takes tasks from it": (
        'git agent add "Write the parser" --name parser',
        'git agent add "Write the printer" --after parser',
        'cd "$(git agent claim --wait)"',
    ),
    "A demonstration in a throwaway repository": ("git agent demo",),
}

_MAY: dict[Who, str] = {
    "own": "A worker may use these only on its own task",
    "reviewer": "A worker may use these only on the tasks of others, and only if you set `agent.workersReview`",
    "coordinator": "A worker may never use these",
}


def commands() -> Iterator[tuple[str, str, click.Command]]:
    """Yield section, name and command of every verb and its subcommands, in the order of the help."""
    for section in SECTIONS:
        for name, verb in VERBS.items():
            command = group.get_command(click.Context(group), name)
            if verb.section == section and command is not None:
                yield section, name, command
                for below in getattr(command, "commands", {}).values():
                    yield section, f"{name} {below.name}", below


def invocation(name: str, command: click.Command) -> str:
    """Return the usage of a verb: `merge [OPTIONS] [TASK]...`."""
    pieces = command.collect_usage_pieces(_context(command, name))
    return " ".join([name, *(piece for piece in pieces if piece)])


def _context(command: click.Command, name: str | None) -> click.Context:
    """Return a context below the group's. click caches the first help option, and `-h` comes from the group."""
    return click.Context(command, info_name=name, parent=click.Context(group, **group.context_settings))


def permissions() -> Iterator[str]:
    """Yield a paragraph for each kind of verb that workers may not always use, then one about the exceptions."""
    yield (
        "People may use every verb. A worker is whoever is inside a task's worktree or has the environment of"
        " `git agent run`. A refused command exits with 3, and an event records the attempt."
    )
    for who, text in _MAY.items():
        yield text + ": " + ", ".join(f"`{name}`" for name, verb in VERBS.items() if verb.who == who) + "."
    guarded = {name: verb.guarded for name, verb in VERBS.items() if verb.guarded}
    listed = "; ".join(f"`{name}` with {', '.join(f'`{w}`' for w in sorted(words))}" for name, words in guarded.items())
    yield f"Nor may a worker use {listed}."
    yield "Workers may use all other verbs."


def options(command: click.Command) -> list[tuple[str, str]]:
    """Return a verb's options with their help, without `--json`, which every verb has."""
    context = _context(command, command.name)
    records = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    return [r for r in records if r is not None and not r[0].startswith("--json")]


def reference() -> str:
    """Return docs/cli.md."""
    lines = ["# Verbs\n", "<!-- Generated by `make docs` from the commands' own help; edit that instead. -->\n"]
    lines += [
        "Every verb also accepts `--json` (see [json.md](json.md)) and `-h`. `git agent -C PATH VERB` runs in PATH."
    ]
    lines += ["", _QUESTIONS]
    for at, (section, name, command) in enumerate(found := list(commands())):
        if at == 0 or found[at - 1][0] != section:
            lines.append(f"\n## {section}")
        lines += [f"\n### git agent {invocation(name, command)}\n", inspect.cleandoc(command.help or "")]
        shown = [f"- `{given}` {text}" for given, text in options(command)]
        lines += ["", *shown] if shown else []
    lines += ["\n## Who may do what\n", "\n\n".join(permissions())]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the manual page, git-agent(1), in roff with the man macros."""
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
        *_prose(f"Every verb accepts `--json`, which prints one JSON object, and `-h`.\n\n{_QUESTIONS}"),
        *_verbs(),
    )
    yield from (".SH WHO MAY DO WHAT", *_prose("\n\n".join(permissions())))
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
    yield from _prose("A WORKING task with a hold waits for somebody; `start` resumes it:")
    yield from _list({str(hold): text for hold, text in HOLDS.items()})


def _configuration() -> Iterator[str]:
    yield from _prose(
        "The keys are part of git's configuration; `git agent config` shows their values. A committed `.gitagent` can"
        " set them for a team; its keys that name commands apply only after `git agent trust`."
    )
    yield from _list({k.name: k.sentence + (f" Default: `{k.default}`." if k.default else "") for k in KEYS})


def _json() -> Iterator[str]:
    yield from _prose(
        f'With `--json` a verb prints one object, `{{"schema": {SCHEMA}, ...}}`, with `task`, `tasks` or the other keys'
        " listed in docs/json.md. `log` and `watch` print one object per line. A failure has `error`, with `code`,"
        " `message` and `hint`. A task has:"
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
    """Wrap a paragraph to keep the source of the page readable, without splitting `code`."""
    kept = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(kept, 76, break_long_words=False, break_on_hyphens=False)
    return [_roff(line.replace("\0", " ")) for line in lines]


def _roff(text: str) -> str:
    """Escape a line for roff: no accidental requests, hyphens that can be copied, `code` in bold."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti").replace("'", "\\(aq")
    )
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text.startswith(".") else text
