"""Names and texts: titles, bodies, task names, and the branches and directories made from names.

Two rules apply throughout. A name must survive every place where it is written: a ref, a directory on a file system
that folds case or normalises Unicode, a shell command, an argument. A text is stored as given; what is dangerous to
display is escaped when it is displayed, not when it is stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import count

from git_agent.domain import spelling
from git_agent.domain.spelling import MAX_NAME, RESERVED
from git_agent.errors import AgentError, usage
from git_agent.record import Record

MAX_TITLE = 200
"""Characters in a title."""
MAX_BODY = 65536
"""Bytes of UTF-8 in a body or a message: 64 KiB."""
MAX_LINE = 8192
"""Bytes of UTF-8 in a command, a pathspec, an agent's name."""
MAX_SLUG = 40
"""Characters in a name made from a title."""
MAX_PREFIX = 100
"""Bytes of UTF-8 in agent.branchPrefix."""
MAX_ID = 2**63 - 1
"""The largest id that SQLite can hold."""

_HINT = "use letters, digits and '-', as in fix-login"
_ID = r"#?([1-9][0-9]{0,18})"
_DIRECTORY = r"[1-9][0-9]{0,18}-[^/]+"


def check_title(text: str) -> str:
    """Return a title without surrounding white space.

    Control characters other than NUL and newline stay; they are escaped when shown.
    Raises usage error `bad-title`: blank, several lines, more than MAX_TITLE characters, NUL, not UTF-8.
    """
    title = text.strip()
    fault = spelling.text_fault(title)
    if not title:
        fault = "it is empty"
    elif "\n" in title:
        fault = "a title is one line"
    elif len(title) > MAX_TITLE:
        fault = f"it has {len(title)} characters, at most {MAX_TITLE} are allowed"
    if fault:
        raise usage("bad-title", f"bad title: {fault}", "give one short line, and the rest as the body (-F FILE)")
    return title


def split_title(text: str, body: str | None) -> tuple[str, str | None]:
    """Split what was given as a title: the first line, and the rest as the beginning of the body.

    A first line that is too long for a title is cut after a word, and the body then has the whole text.
    body: the body that was given; None for none
    """
    whole = text.strip()
    first, _, rest = whole.partition("\n")
    title = first.rstrip()
    if len(title) > MAX_TITLE:
        short = title[: MAX_TITLE - 1]
        title, rest = (short.rsplit(None, 1)[0] if " " in short else short) + "…", whole
    parts = [part for part in (rest.strip("\n"), body) if part]
    return title, "\n\n".join(parts) if parts else body


def check_body(text: str, limit: int = MAX_BODY) -> str:
    """Return a task's body unchanged.

    limit: bytes of UTF-8. Raises usage error `bad-body`: larger than that, NUL, not UTF-8.
    """
    return _checked_text(text, "body", limit)


def check_message(text: str, limit: int = MAX_BODY) -> str:
    """Return a message unchanged.

    limit: bytes of UTF-8. Raises usage error `bad-message`: blank, larger than that, NUL, not UTF-8.
    """
    if not text.strip():
        raise usage("bad-message", "bad message: it is empty", "give the text")
    return _checked_text(text, "message", limit)


def check_line(text: str, what: str) -> str:
    """Return a short text from the command line (a command, a pathspec, an agent's name) unchanged.

    what: its name in the error. Raises usage error `bad-<what>`: larger than MAX_LINE bytes, NUL, not UTF-8.
    """
    return _checked_text(text, what, MAX_LINE)


def slug(title: str) -> str:
    """Make a name from a title: `Fix the login!` gives `fix-the-login`. The result always passes check_name.

    Letters, digits and marks of every script stay. NFC, not NFKC: a name must match what a person types, and NFKC
    rewrites ordinary words (Thai and Lao SARA AM). lower(), not casefold(): `straße` and a final sigma stay legible;
    `name_key` folds them. Invisible characters are dropped, all others become '-'. The result has at most MAX_SLUG
    characters and MAX_NAME bytes. It is never cut between a letter and its marks, and it is cut between words if that
    loses less than half.
    """
    name = _words(unicodedata.normalize("NFC", title).lower())
    name = _cut(name, MAX_SLUG, MAX_NAME) or "task"
    if name.isdecimal() or name_key(name) in RESERVED:
        return _cut(name, MAX_SLUG - 5, MAX_NAME - 5) + "-task"
    return name


def check_name(name: str) -> str:
    """Return the name in NFC.

    Raises usage error `bad-name`, with the broken rule, or `reserved-name`. The rules are those of
    git-check-ref-format(1), those of file systems (the characters that Windows forbids, the unassigned code points
    that APFS refuses), and ours: no shell syntax, nothing that looks like an option, an id, an attempt (`.a2`) or a
    recipient (`@human`), nothing invisible.
    """
    name = unicodedata.normalize("NFC", name)
    if name_key(name) in RESERVED:
        raise usage("reserved-name", f"the name {name!r} is reserved", "choose another name, as in fix-login")
    if fault := spelling.name_fault(name):
        raise usage("bad-name", f"bad name {_quoted(name)}: {fault}", _HINT)
    return name


def name_key(name: str) -> str:
    """Return a key that is equal for names that a file system may treat as the same (case, NFC and NFD).

    This is canonical caseless matching (Unicode 3.13, D145), which folds decomposed text.
    """
    folded = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def first_free(name: str, taken: Callable[[str], bool]) -> str:
    """Return the first of name, name-2, name-3, ... that is not taken, shortened if the number needs room."""
    if not taken(name):
        return name
    endings = (f"-{n}" for n in count(2))
    candidates = ((_cut(name, MAX_NAME, MAX_NAME - len(ending)) or "task") + ending for ending in endings)
    return next(candidate for candidate in candidates if not taken(candidate))


def directory_for(task_id: int, name: str, attempt: int = 1) -> str:
    """Return the name of a worktree's directory: `7-fix-login`, or `7-fix-login.a2` for the second attempt."""
    return f"{task_id}-{name}" if attempt < 2 else f"{task_id}-{name}.a{attempt}"


def branch_for(prefix: str, task_id: int, name: str, attempt: int = 1) -> str:
    """Return the name of a branch: `agent/7-fix-login`, or `agent/7-fix-login.a2` for the second attempt."""
    return prefix + directory_for(task_id, name, attempt)


@cache  # called for every TASK argument
def check_prefix(prefix: str) -> str:
    """Return agent.branchPrefix in NFC. It need not end in '/'.

    Raises usage error `bad-prefix` if it is empty (our branches must differ from others), reserved (`main/` cannot
    exist beside `main`), a full ref (`refs/…`), or makes no valid branch name.
    """
    prefix = unicodedata.normalize("NFC", prefix)
    sample = branch_for(prefix, 7, "x")
    parts = sample.split("/")
    fault = next(filter(None, map(spelling.characters_fault, parts)), None) or spelling.ref_fault(sample)
    if not prefix:
        fault = "it is empty"
    elif name_key(parts[0]) in RESERVED | {"refs"}:
        fault = f"{parts[0]!r} is reserved"
    elif len(prefix.encode(errors="replace")) > MAX_PREFIX:
        fault = f"it is longer than {MAX_PREFIX} bytes"
    if fault:
        hint = "git config agent.branchPrefix agent/"
        raise usage("bad-prefix", f"bad branch prefix {_quoted(prefix)}: {fault}", hint)
    return prefix


def check_branch(name: str) -> str:
    """Return a branch name given by a user, without `refs/heads/`.

    Raises usage error `bad-branch` for what `git check-ref-format --branch` refuses, for `@` and `@{-1}`, and for
    names that are not UTF-8 or too long for a file name.
    """
    branch = name.removeprefix("refs/heads/")
    if fault := spelling.ref_fault(branch):
        raise usage("bad-branch", f"bad branch {_quoted(branch)}: {fault}", "git branch --list shows them")
    return branch


class TaskRef(Record):
    """The possible meanings of a TASK argument, to be tried in the order of the fields.

    id: for `7` and `#7`, which mean nothing else
    branch: without `refs/heads/`, None if it can't be a branch
    name_key: name_key() of the name, empty if it can't be a name
    prefixed: for `7-fix-login`, the name of a worktree's directory, the branch of that worktree
    """

    text: str
    id: int | None
    branch: str | None
    name_key: str
    prefixed: str | None = None


def parse_ref(text: str, prefix: str) -> TaskRef:
    """Classify a TASK argument. Never raises.

    An id has exactly one spelling: `07`, `0`, digits of other scripts and numbers above MAX_ID are neither ids nor
    names.

    prefix: agent.branchPrefix
    """
    if found := re.fullmatch(_ID, text):
        task_id = int(found[1])
        return TaskRef(text, task_id if task_id <= MAX_ID else None, None, "")
    branch = _accepted(check_branch, text)
    prefixed = prefix + text if branch and re.fullmatch(_DIRECTORY, text) else None
    return TaskRef(text, None, branch, name_key(_accepted(check_name, text) or ""), prefixed)


def _accepted(check: Callable[[str], str], text: str) -> str | None:
    try:
        return check(text)
    except AgentError:
        return None


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_NAME else text[: MAX_NAME - 1] + "…")


def _checked_text(text: str, what: str, limit: int) -> str:
    fault, hint = spelling.text_fault(text), "give it as UTF-8 text"
    if len(text.encode(errors="replace")) > limit:
        fault, hint = (
            f"it is too large: at most {limit} bytes are allowed",
            "put the text into a file and give the file's name instead",
        )
    if fault:
        raise usage(f"bad-{what}", f"bad {what}: {fault}", hint)
    return text


def _words(text: str) -> str:
    kept: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Cf" or re.match(spelling.HIDDEN, char):
            continue
        attaches = category[0] == "M" and bool(kept) and kept[-1] != "-"
        kept.append(char if attaches or category[0] == "L" or category == "Nd" else "-")
    joined = unicodedata.normalize("NFC", "".join(kept))
    return re.sub("-+", "-", joined).strip("-")


def _cut(name: str, characters: int, size: int) -> str:
    if len(name) <= characters and len(name.encode()) <= size:
        return name
    end = min(len(name), characters)
    while end and (len(name[:end].encode()) > size or _mark_at(name, end)):
        end -= 1
    space = name.rfind("-", 0, end + 1)
    return name[: space if space > end // 2 else end].rstrip("-.")


def _mark_at(name: str, index: int) -> bool:
    return index < len(name) and unicodedata.category(name[index])[0] == "M"
