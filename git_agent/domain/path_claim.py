"""Path claims: pathspecs as git reads them (gitglossary(7)), compared without any files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from git_agent.domain.task import State
from git_agent.errors import AgentError, usage
from git_agent.record import Record

MODES = ("refuse", "warn", "off")


class PathClaim(Record):
    """What a task intends to change.

    task: None for a task that does not exist yet; paths: pathspecs, which apply together as in one git command
    """

    task: int | None
    state: State
    base: str
    paths: tuple[str, ...]


_SHORT = {"/": "top", "!": "exclude", "^": "exclude"}
_WILD = r"[*?\[\\]"


class Pathspec(Record):
    """A parsed pathspec.

    pattern: relative to the top of the repository, "" for everything
    wild: it contains wildcards
    deep: `*` also matches `/`, as it does without `:(glob)`
    """

    pattern: str
    exclude: bool
    icase: bool
    wild: bool
    deep: bool

    @property
    def start(self) -> str:
        """Return the prefix that every matching path has."""
        found = re.search(_WILD, self.pattern) if self.wild else None
        return self.pattern[: found.start()] if found else self.pattern


def parse_pathspec(text: str) -> Pathspec:
    """Parse a pathspec, which is relative to the top of the repository whatever the current directory is.

    Raises usage error `bad-path` if it leads outside the repository. git itself reports everything else it refuses.
    """
    magic, rest = _magic(text)
    words = {word.partition(":")[0] for word in magic}
    if rest.startswith("/") or ".." in rest.split("/"):
        raise outside_error(text)
    wild = "literal" not in words and re.search(_WILD, rest) is not None
    pattern = rest if wild else posixpath.normpath(rest) if rest else ""
    return Pathspec("" if pattern == "." else pattern, "exclude" in words, "icase" in words, wild, "glob" not in words)


def outside_error(text: str) -> AgentError:
    """Return the error for a pathspec that leads out of the repository."""
    return usage("bad-path", f"'{text}' is outside the repository", "give paths relative to the top: --path src/")


def _magic(text: str) -> tuple[list[str], str]:
    if text.startswith(":("):
        words, _, rest = text[2:].partition(")")
        return words.split(","), rest
    if not text.startswith(":"):
        return [], text
    found: list[str] = []
    rest = text[1:]
    while rest and rest[0] in _SHORT:
        found.append(_SHORT[rest[0]])
        rest = rest[1:]
    return found, rest.removeprefix(":")


def may_overlap(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Return whether any path, existing or not, may match both lists. False is certain, True is not."""
    return any(_begin_alike(a, b) for a in _wanted(ours) for b in _wanted(theirs))


def may_match(paths: Iterable[str], pathspecs: Iterable[str]) -> bool:
    """Return whether the pathspecs may match one of these paths. False is certain, True is not."""
    wanted = _wanted(pathspecs)
    return any(_begins(path, spec) for path in paths for spec in wanted)


def _begins(path: str, spec: Pathspec) -> bool:
    return path.lower().startswith(spec.start.lower()) if spec.icase else path.startswith(spec.start)


def _wanted(texts: Iterable[str]) -> list[Pathspec]:
    """Parse pathspecs. A list that only excludes selects everything else."""
    wanted = [spec for spec in map(parse_pathspec, texts) if not spec.exclude]
    return wanted or [parse_pathspec(".")]


def _begin_alike(a: Pathspec, b: Pathspec) -> bool:
    one, other = (a.start.lower(), b.start.lower()) if a.icase or b.icase else (a.start, b.start)
    return one.startswith(other) or other.startswith(one)


def certain_overlaps(ours: Iterable[str], theirs: Iterable[str]) -> tuple[str, ...]:
    """Return the overlaps of two lists that do not depend on which files exist: the narrower pathspec of each pair.

    A pathspec overlaps with the same path, a path below its directory, a path that its pattern matches, a pattern below
    its directory, and the same pattern. What either list excludes does not count.
    """
    mine, other = ([(text, parse_pathspec(text)) for text in texts] for texts in (ours, theirs))
    barred = [spec for _, spec in (*mine, *other) if spec.exclude]
    found = [
        text if _covers(b, a) else its
        for text, a in mine
        for its, b in other
        if not (a.exclude or b.exclude) and (_covers(a, b) or _covers(b, a))
        if not any(_covers(each, a) or _covers(each, b) for each in barred)
    ]
    return tuple(dict.fromkeys(found))


def _covers(a: Pathspec, b: Pathspec) -> bool:
    one, other = (a.pattern.lower(), b.pattern.lower()) if a.icase or b.icase else (a.pattern, b.pattern)
    if not a.wild:
        return one in ("", other) or other.startswith(f"{one.rstrip('/')}/")
    return one == other or (not b.wild and _matches(_expression(one, a.deep), other))


def _matches(expression: str, path: str) -> bool:
    """A range that no regular expression accepts (`[z-a]`) matches nothing; for existing files, git itself decides."""
    try:
        return re.fullmatch(expression, path) is not None
    except re.error:
        return False


def _expression(pattern: str, deep: bool) -> str:
    """Translate git's wildcards (wildmatch) to a regular expression, which also matches everything below a match."""
    any_one = "." if deep else "[^/]"
    words = {
        "/**/": "/(?:.*/)?",
        "**/": "(?:.*/)?",
        "/**": "/.*",
        "**": f"{any_one}*",
        "*": f"{any_one}*",
        "?": any_one,
    }
    tokens = re.findall(r"/\*\*/|\*\*/|/\*\*|\*\*|\*|\?|\\.|\[[!^]?\]?[^]]*\]|.", pattern, re.DOTALL)
    said = "".join(words.get(t) or _bracket(t) or re.escape(t.removeprefix("\\") or t) for t in tokens)
    return f"(?s:{said})(?:/.*)?"


def _bracket(token: str) -> str:
    if len(token) < 3 or token[0] != "[":
        return ""
    inside = token[1:-1]
    negated = inside[0] in "!^"
    return f"[{'^' if negated else ''}{inside[negated:].replace('[', re.escape('['))}]"
