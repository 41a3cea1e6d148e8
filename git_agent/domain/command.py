"""The command of an agent: words with placeholders that the task fills in. No shell ever sees it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from git_agent.domain.task import Task
from git_agent.errors import usage

PLACEHOLDERS: Mapping[str, str] = {
    "prompt": "title and body",
    "title": "the task's title",
    "body": "the task's body",
    "file": "path of a file with title and body",
    "task": "the task's number",
    "branch": "its branch",
    "worktree": "its worktree",
    "base": "the branch to merge into",
}
STDIN = "{stdin}"
"""This word is removed from the command; the command reads title and body on standard input instead."""
_LIKE = re.compile(r"(?<!\$)\{([A-Za-z_]+)\}")
_NEAR = 0.75
"""Similarity above which a word counts as a misspelt placeholder: `promt` has 0.9; awk's `print` has 0.55."""
_PLACE = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True, slots=True)
class Command:
    """An agent's command.

    name: the agent's name; None for a command typed on the command line, which is used as it is
    """

    words: tuple[str, ...]
    name: str | None = None

    @property
    def needs_file(self) -> bool:
        """Return whether the command needs a file with title and body."""
        return self.name is not None and (STDIN in self.words or any("{file}" in word for word in self.words))

    @property
    def reads_file(self) -> bool:
        """Return whether the command reads that file on standard input."""
        return self.name is not None and STDIN in self.words

    def expand(self, task: Task, file: str) -> tuple[str, ...]:
        """Return the words with their placeholders replaced. A value never splits a word.

        file: path of the file that holds title and body
        """
        if self.name is None:
            return self.words
        values = {
            "prompt": prompt(task),
            "title": task.title,
            "body": task.body,
            "file": file,
            "task": str(task.id),
            "branch": task.branch or "",
            "worktree": task.worktree or "",
            "base": task.base,
        }
        # One pass, so that a title that contains `{body}` stays as it is.
        return tuple(_PLACE.sub(lambda found: values[found[1]], word) for word in self.words if word != STDIN)


def parse_command(name: str, text: str) -> Command:
    """Split the value of agent.run.<name> into words by a shell's quoting rules; no other shell syntax applies.

    Raises usage errors: `bad-command` for a value without words or with an open quote, and `bad-placeholder` for a
    word that looks like a placeholder but is none.
    """
    key = f"agent.run.{name}"
    try:
        words = shlex.split(text)
    except ValueError as error:
        fault = str(error).lower()
    else:
        if [word for word in words if word != STDIN]:
            if unknown := _unknown(words):
                known = ", ".join(f"{{{each}}}" for each in (*PLACEHOLDERS, "stdin"))
                raise usage("bad-placeholder", f"{key} has {unknown}, which is not a placeholder", known)
            return Command(tuple(words), name)
        fault = "it is empty"
    raise usage("bad-command", f"{key} is not a command: {fault}", f"git config {key} 'COMMAND'")


def _unknown(words: Sequence[str]) -> str | None:
    """Find a misspelt placeholder: a whole word in braces, or a near miss. awk and shells use braces, too."""
    known = (*PLACEHOLDERS, "stdin")
    for word in words:
        for found in _LIKE.finditer(word):
            if found[1] in known:
                continue
            import difflib

            if found[0] == word or difflib.get_close_matches(found[1].lower(), known, 1, _NEAR):
                return found[0]
    return None


def prompt(task: Task) -> str:
    """Return title and body as one text."""
    return f"{task.title}\n\n{task.body}" if task.body else task.title


def quote_command(words: Sequence[str]) -> str:
    """Return a command for people to read: quoted as for a shell, with long words cut."""
    cut = (word if len(word) <= 80 else word[:79] + "…" for word in words)
    return shlex.join(cut)[:400].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
