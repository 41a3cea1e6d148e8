"""The command of an agent: words with placeholders that the task fills in. No shell ever sees it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from git_agent.domain.task import Task
from git_agent.errors import usage
from git_agent.record import Record

PLACEHOLDERS: Mapping[str, str] = {
    "prompt": "`Task 7: `, then title and body, and on a later run what happened since",
    "news": "what happened since the last run; empty for the first one",
    "title": "the task's title",
    "body": "the task's body",
    "file": "path of a file with that text",
    "task": "the task's number",
    "attempt": "the number of the attempt",
    "branch": "its branch",
    "worktree": "its worktree",
    "base": "the branch to merge into",
    "gitdir": "the git directory of the worktree",
    "commondir": "the git directory that all worktrees share",
}
STDIN = "{stdin}"
"""This word is removed from the command; the command reads the prompt on standard input instead."""
_LIKE = r"(?<!\$)\{([A-Za-z_]+)\}"
_ASSIGNMENT = r"[A-Za-z_]\w*="
_NEAR = 0.75
"""Similarity above which a word counts as a misspelt placeholder: `promt` has 0.9; awk's `print` has 0.55."""
# Programs that read one of their words as code, and the option before it: `-c`, also in `bash -lc`.
_INTERPRETER = (
    r"(?:ba|da|a|k|mk|z|c|tc|fi)?sh|(?:python|pypy|perl|lua|php)[\d.]*|ruby|node|osascript|ssh"
    r"|su|runuser|sg|script|flock"
)
_TAKES_USER = r"su|runuser|sg|script|flock"
_RUNS_CODE = r"-[a-zA-Z]*[ceEr]|--eval|--command|--print"
_SAFE = """sh -c 'claude -p "$1"' sh {prompt}"""
# What people and agents choose: the number of a task and the path of a file are ours.
_TEXT = r"\{(?:prompt|news|title|body|branch|worktree|base|gitdir|commondir)\}"
_PLACE = r"\{(" + "|".join(PLACEHOLDERS) + r")\}"


class Command(Record):
    """An agent's command.

    name: the agent's name; None for a command typed on the command line, in which only the whole words {prompt} and
        {news} are placeholders
    """

    words: tuple[str, ...]
    name: str | None = None

    @property
    def program(self) -> str:
        """Return the word that names its program."""
        return next(word for word in self.words if word != STDIN)

    @property
    def needs_file(self) -> bool:
        """Return whether the command needs a file with the prompt."""
        return self.name is not None and (STDIN in self.words or any("{file}" in word for word in self.words))

    @property
    def tells_news(self) -> bool:
        """Return whether the command uses the news of what happened since the last run."""
        return self.needs_file or any("{prompt}" in word or "{news}" in word for word in self.words)

    @property
    def reads_file(self) -> bool:
        """Return whether the command reads that file on standard input."""
        return self.name is not None and STDIN in self.words

    def expand(self, task: Task, file: str, news: str = "", git_dirs: tuple[str, str] = ("", "")) -> tuple[str, ...]:
        """Return the words with their placeholders replaced. A value never splits a word, nor makes it an option.

        file: path of the file that holds the prompt
        news: what happened since the last run
        git_dirs: the git directory of the worktree, and the one that all worktrees share
        """
        if self.name is None:
            # Other braces are the command's own, as in `awk '{print}'`, and a script must not get text as code.
            return tuple({"{prompt}": prompt(task, news), "{news}": news}.get(word, word) for word in self.words)
        values = {
            "prompt": prompt(task, news),
            "news": news,
            "title": task.title,
            "body": task.body,
            "file": file,
            "task": str(task.id),
            "attempt": str(task.attempt),
            "branch": task.branch or "",
            "worktree": task.worktree or "",
            "base": task.base,
            "gitdir": git_dirs[0],
            "commondir": git_dirs[1],
        }
        return tuple(_filled(task, values, word) for word in self.words if word != STDIN)


def parse_command(name: str, text: str) -> Command:
    """Split the value of agent.run.<name> into words by a shell's quoting rules; no other shell syntax applies.

    Raises usage errors: `bad-command` for a value without words or with an open quote, `bad-placeholder` for a word
    that looks like a placeholder but is none, and `placeholder-in-script` for one in the script of a shell.
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
            if script := _filled_script(words):
                says = f"{key} has a placeholder in a script, which would run the task's text as code: {script[:60]!a}"
                hint = f"pass it as an argument, as in git config {key} {shlex.quote(_SAFE)}; or use {STDIN}"
                raise usage("placeholder-in-script", says, hint)
            return Command(tuple(words), name)
        fault = "it is empty"
    raise usage("bad-command", f"{key} is not a command: {fault}", f"git config {key} 'COMMAND'")


def is_assignment(word: str) -> bool:
    """Return whether a word would set a variable if it came first in a shell: `FOO=1`."""
    return re.match(_ASSIGNMENT, word) is not None


def _filled_script(words: Sequence[str]) -> str | None:
    """Return the first word with a placeholder for text that a shell, or another interpreter, would read as code.

    `sh -c "claude {title}"` would run a title such as `$(rm -rf ~)`. ssh joins all its words for a shell elsewhere.
    """
    names = [word.rpartition("/")[2] for word in words]
    start = next((at for at, name in enumerate(names) if re.fullmatch(_INTERPRETER, name)), len(words))
    after = words[start + 1 :]
    if names[start:][:1] == ["ssh"]:
        return next((word for word in after if re.search(_TEXT, word)), None)
    for at, word in enumerate(after):
        code = next((each for each in after[at + 1 :] if not each.startswith("-")), "")
        if word.startswith("-") and re.search(_TEXT, word):
            return word
        if re.fullmatch(_RUNS_CODE, word):
            return code if re.search(_TEXT, code) else None
        # The script is in a file: what follows are its own arguments. `-o` has a word of its own, `su` a user.
        if word[0:1] != "-" and after[at - 1 : at] != ["-o"] and not re.fullmatch(_TAKES_USER, names[start]):
            return None
    return None


def _unknown(words: Sequence[str]) -> str | None:
    """Find a misspelt placeholder: a whole word in braces, or a near miss. awk and shells use braces, too."""
    known = (*PLACEHOLDERS, "stdin")
    for word in words:
        for found in re.finditer(_LIKE, word):
            if found[1] in known:
                continue
            import difflib

            if found[0] == word or difflib.get_close_matches(found[1].lower(), known, 1, _NEAR):
                return found[0]
    return None


def _filled(task: Task, values: Mapping[str, str], word: str) -> str:
    """Fill in one word, in one pass: a title that contains `{body}` stays as it is.

    A word that becomes an option only by what the task says gets the task's number in front.
    """
    filled = re.sub(_PLACE, lambda found: values[found[1]], word)
    return _opening(task) + filled if filled.startswith("-") and not word.startswith("-") else filled


def prompt(task: Task, news: str = "") -> str:
    """Return the task's number, title and body as one text, and what happened since the last run.

    The number comes first because programs read a text as an option when it begins with a dash, and as one of their
    own commands when it begins with a slash or an exclamation mark.
    """
    return _opening(task) + "\n\n".join(filter(None, (task.title, task.body, news)))


def _opening(task: Task) -> str:
    return f"Task {task.id}: "


def quote_command(words: Sequence[str]) -> str:
    """Return a command for people to read: quoted as for a shell, with long words cut."""
    cut = (word if len(word) <= 80 else word[:79] + "…" for word in words)
    return shlex.join(cut)[:400].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
