"""The printed documents that need no command line: docs/states.md, config.md, json.md and doctor.md."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence

from git_agent.config import KEYS
from git_agent.domain.finding import RULES, Group
from git_agent.domain.task import LIVE, MOVES, Move, State
from git_agent.render.contract import ANSWERS, EXITS, HOLDS, OBJECTS, STATES
from git_agent.render.json import SCHEMA

_PRINTED = "<!-- Printed by `make docs` from {}; change that. -->\n"


def states_page() -> str:
    """Write docs/states.md."""
    rows = [(_from(m), f"`{m.step}`", _to(m), m.guard, m.who) for m in MOVES]
    return "\n".join(
        [
            "# States of a task\n",
            _PRINTED.format("MOVES in git_agent/domain/task.py"),
            "    OPEN -> ASSIGNED -> WORKING -> IN_REVIEW -> APPROVED -> COMPLETED        (+ FAILED, CANCELLED)\n",
            *_table(("state", "meaning"), [(f"`{s}`", text) for s, text in STATES.items()]),
            f"\nLive means {_names(LIVE)}: the states in which somebody has the task.\n",
            "## Holds\n",
            _text(
                "A WORKING task with a hold waits for somebody; `git agent start` resumes the same attempt on the same"
                " branch."
            ),
            *_table(("hold", "meaning"), [(f"`{h}`", text) for h, text in HOLDS.items()]),
            "\n## Steps\n",
            _text(
                "Nothing else changes a state. `epoch` as a condition: a worker that was superseded is refused with"
                " exit 5 and changes nothing; a step marked † raises the epoch, so that whoever worked before is"
                " superseded. What `hook` does is what git shows: the next `git agent` command notices it."
            ),
            *_table(("from", "step", "to", "on condition that", "who"), rows),
            "",
        ]
    )


def _from(move: Move) -> str:
    held = {None: "", "any": " with a hold", "none": " without a hold"}.get(move.held, f" with {move.held}")
    return (_names(move.sources) or "(none)") + held


def _to(move: Move) -> str:
    return str(move.target) + (f", hold `{move.hold}`" if move.hold else "") + (" †" if move.fences else "")


def _names(states: Iterable[State]) -> str:
    found = set(states)
    return ", ".join(s for s in State if s in found)


def config_page() -> str:
    """Write docs/config.md."""
    names = {"agent.run": "agent.run.<name>"}
    rows = [
        (f"`{names.get(k.name, k.name)}`", k.kind, f"`{k.default}`" if k.default else "", k.sentence + " †" * k.runs)
        for k in KEYS
    ]
    return "\n".join(
        [
            "# Configuration\n",
            _PRINTED.format("KEYS in git_agent/config.py"),
            _text(
                "The keys are git's own configuration: `git config agent.base develop`, `git -c agent.check=true agent"
                " merge 7`. `git agent config` shows what counts here and where it comes from."
            ),
            *_table(("key", "kind", "without it", "meaning"), rows),
            "\nA `list` may be given several times (`git config --add`). A `duration` is a number with s, m, h or d.\n",
            "## For a team\n",
            _text(
                "A committed file `.gitagent` in the syntax of git config gives the same keys to everybody; what a"
                " person has configured goes before it. Values marked † name commands: those of `.gitagent` count only"
                " after `git agent trust` has recorded the file, and again after each change of it."
            ),
        ]
    )


def json_page(example: object) -> str:
    """Write docs/json.md. example: a Task object to show."""
    shown = json.dumps(example, indent=2, ensure_ascii=False)
    answers = [(f"`{verb}`", ", ".join(f"`{key}`" for key in keys)) for verb, keys in ANSWERS.items()]
    return "\n".join(
        [
            "# JSON\n",
            _PRINTED.format("git_agent/render/contract.py"),
            _text(
                f'Every verb has `--json`: one object on standard output, `{{"schema": {SCHEMA}, ...}}`, in ASCII, and'
                " nothing else there. Keys may be added; one that is taken away or changes its meaning comes with a new"
                " `schema`. So ignore keys that you don't know, and refuse a schema that you don't know."
            ),
            'A failure is `{"schema": 1, "error": Error}`, with the exit code that the verb has without `--json`:\n',
            *_table(("exit", "meaning"), [(str(code), text) for code, text in EXITS.items()]),
            "\n## Answers\n",
            *_table(("verb", "keys beside `schema`"), answers),
            "",
            _text(
                "`log --json` and `watch --json` print one object a line: `at`, and one of `event`, `message` and"
                " `commit` (`oid`, `subject`, `author`); `watch` prints events only, `tail --follow --json` messages"
                " only. An `error` may be the last line. `unacked`, in `inbox` and in the `health` of `status`, is an"
                " array of Unacked. In `conflicts`, `pairs` is an array of Clash, `claims` of Overlap, `outside` of"
                " Outside, and `order` has the numbers of all live tasks. `health.clashes` of `status` counts the pairs"
                " that clash, `health.unforeseen` those that were not looked at. `results` of"
                " `merge` is an array of Result; where not all landed, `error` stands beside it. `removed` has"
                " `worktrees` and `branches` that went, `kept` (what stayed, and why), `rescued` (refs that hold the"
                " commits) and `not_kept` (ignored directories); `clean` and a queue give one for each task, by number."
            ),
            *(line for name, fields in OBJECTS.items() for line in _object(name, fields.items())),
            "## Example\n",
            "```json",
            shown,
            "```",
            "",
        ]
    )


def doctor_page() -> str:
    """Write docs/doctor.md."""
    parts = []
    for group in Group:
        rules = [(code, rule) for code, rule in RULES.items() if rule.group is group]
        shown = {"task": "TASK", "subject": "PATH", "helps": "(said with it)"}
        rows = [
            (f"`{code}`", rule.sign, rule.why, rule.fix.format(**shown), "yes" if rule.mends else "")
            for code, rule in rules
        ]
        parts += [
            f"\n## {group.capitalize()}\n",
            *_table(("code", "what is wrong", "why it matters", "fix", "--fix"), rows),
        ]
    return "\n".join(
        [
            "# What `git agent doctor` looks for\n",
            _PRINTED.format("RULES in git_agent/domain/finding.py"),
            _text(
                "`git agent doctor` changes nothing, not even what every other command mends by itself. It exits 0 when"
                " nothing is wrong, else 1. `git agent doctor --fix` first does what every command does (finish or take"
                " back what died half way, look at git, mend the hooks), then mends what is marked below: it looks"
                " again right before it acts, never deletes a commit or a changed file (what is in the way goes to"
                " `<git common dir>/git-agent/kept/`), and appends an event `doctor.fixed`."
                " All fixes of one run are one operation, which `git agent undo` takes back; a few leave nothing to"
                " take back: that a lock is free whose holder is gone, that hooks are there again."
            ),
            _text(
                "It reads the events of all tasks, branches and worktrees of live ones, and on Linux who has the store"
                " and git's locks open. A lock file counts as left behind when it is ten minutes old, nobody has it"
                " open and no git runs in the repository."
            ).rstrip("\n"),
            *parts,
            "",
        ]
    )


def _object(name: str, fields: Iterable[tuple[str, tuple[str, str]]]) -> list[str]:
    return [f"## {name}\n", *_table(("key", "type", "meaning"), [(f"`{k}`", *what) for k, what in fields]), ""]


def _text(paragraph: str) -> str:
    return textwrap.fill(paragraph, 118, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
