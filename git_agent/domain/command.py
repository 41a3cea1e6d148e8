"""The command of an agent: words with placeholders, filled with what the task says, never through a shell."""

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
"""The word that is taken out: title and body are then the command's standard input."""
_LIKE = re.compile(r"(?<!\$)\{([A-Za-z_]+)\}")
_NEAR = 0.75
"""How like a placeholder a word is that was meant to be one: `promt` 0.9; `print`, of awk, 0.55."""
_PLACE = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True, slots=True)
class Command:
    """An agent's command. name: the agent's, None for words that were typed: those are taken as they are."""

    words: tuple[str, ...]
    name: str | None = None

    @property
    def needs_file(self) -> bool:
        """Tell whether title and body have to be put into a file."""
        return self.name is not None and (STDIN in self.words or any("{file}" in word for word in self.words))

    @property
    def reads_file(self) -> bool:
        """Tell whether that file is the command's standard input."""
        return self.name is not None and STDIN in self.words

    def expand(self, task: Task, file: str) -> tuple[str, ...]:
        """Return the words with the placeholders filled, each word by itself; file: where title and body are."""
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
        # In one go: a title that reads `{body}` stays as it is.
        return tuple(_PLACE.sub(lambda found: values[found[1]], word) for word in self.words if word != STDIN)


def parse_command(name: str, text: str) -> Command:
    """Split the value of agent.run.<name> into words, as a shell would, and nothing else of a shell.

    Raises usage error `bad-command` for one that has no words or an open quote, `bad-placeholder` for a word that is
    like a placeholder and none.
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
                raise usage("bad-placeholder", f"{key} has {unknown}, which nothing fills", known)
            return Command(tuple(words), name)
        fault = "it is empty"
    raise usage("bad-command", f"{key} is no command: {fault}", f"git config {key} 'COMMAND'")


def _unknown(words: Sequence[str]) -> str | None:
    """Find what was meant as a placeholder: a word by itself, or a slip of the pen; awk and shells have braces, too."""
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
    """Return a command as it can be read: quoted, and cut where a word is a whole prompt."""
    cut = (word if len(word) <= 80 else word[:79] + "…" for word in words)
    return shlex.join(cut)[:400].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
