"""Read history: distances, commits, patch-ids, stashes. Revisions are full oids; Repo resolves them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence

from git_agent.git.run import Done, decode
from git_agent.record import Record

# Plumbing reads some of diff.*; a patch-id must not depend on the user's configuration.
_PLAIN = (
    "-p",
    "--no-textconv",
    "--no-ext-diff",
    "--no-color",
    "--no-renames",
    "--full-index",
    "--unified=3",
    "--diff-algorithm=myers",
    "--no-indent-heuristic",
    "--inter-hunk-context=0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "--ignore-submodules=none",
)
_NAMES = ("--raw", "--no-renames", "--ignore-submodules=none", "--no-show-signature", "--no-color", "-z")
_ENTRY = rb"(?m)^([0-9a-f]{40}(?:[0-9a-f]{24})?)\n"
# What identifies a patch, wherever it applies: drop line numbers, and the oids of blobs whose lines are shown.
_PLACE = rb"(?m)^@@ -[^\n]*|^index [^\n]*\n(?!Binary files )"
_MANY = 60  # measured: one pair costs a spawn of 2 ms, importing pygit2 100 ms
# gitrepository-layout(5), in the common directory
GRAFTS = ("info", "grafts")
SHALLOW = ("shallow",)
_GRAPH = ("objects", "info", "commit-graph")
Run = Callable[..., Done]
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"


_RENAMED = "Branch: renamed refs/heads/"


def find_renamed(run: Run, old: str, heads: Container[str]) -> str | None:
    """Return the branch that `git branch -m` made of a branch that is gone; None if its new name is not known.

    heads: the branches that exist. `git branch -m` moves the reflog along and records the renaming in it.
    """
    asked = ("log", "--walk-reflogs", "--branches", f"--grep-reflog=^{_RENAMED}", "--format=%gs", "--")
    lines = [line.removeprefix(_RENAMED) for line in run(*asked, ok=(0, 128)).text.splitlines()]
    renamed: dict[str, str] = {}
    for line in lines:  # newest first
        before, _, after = line.partition(" to refs/heads/")
        renamed.setdefault(before, after)
    name: str | None = old
    while name is not None and name not in heads:
        name = renamed.pop(name, None)
    return name


class Commit(Record):
    """One commit. author: "Name <email>". time: the committer's, in seconds since the epoch."""

    oid: str
    subject: str
    author: str
    time: int


def present(run: Run, oids: Collection[str]) -> set[str]:
    """Return those of the commits (full oids) that are in the repository."""
    given = "".join(f"{oid}^{{commit}}\n" for oid in oids).encode()
    rows = run("cat-file", "--batch-check=%(objectname)", stdin=given).text.splitlines() if oids else ()
    return set(oids) & set(rows)


def logged(path: str) -> list[str]:
    """Read the commits that a reflog names, newest first, from its file: git refuses to show it for a damaged branch.

    path: of the file; without it there are none.
    """
    try:
        with open(path, "rb") as file:
            pairs = [decode(line).split(" ", 2)[:2] for line in file.read().splitlines()]
    except OSError:
        return []
    found = dict.fromkeys(oid for pair in reversed(pairs) for oid in reversed(pair))
    return [oid for oid in found if re.fullmatch(_OID, oid) and oid.strip("0")]


def ahead_behind(run: Run, tip: str, base: str) -> tuple[int, int]:
    """Count the commits that only tip has, and those that only base has."""
    if tip == base:
        return 0, 0
    said = run("rev-list", "--left-right", "--count", "--end-of-options", f"{tip}...{base}").text
    left, _, right = said.partition("\t")
    return int(left), int(right)


def ahead_behind_many(
    run: Run, common_dir: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return ahead_behind of each pair, through pygit2 when many spawns would cost more than importing it."""
    wanted = list(dict.fromkeys(pairs))
    # libgit2 is slower than git with a commit-graph, and it obeys grafts and the shallow file.
    unfit = (os.path.join(common_dir, *path) for path in (_GRAPH, GRAFTS, SHALLOW))
    if len(wanted) > _MANY and not any(map(os.path.exists, unfit)):
        try:
            import pygit2
        except ImportError:
            return {pair: ahead_behind(run, *pair) for pair in wanted}
        try:
            opened = pygit2.Repository(common_dir)
            return {pair: opened.ahead_behind(*pair) for pair in wanted}
        except (pygit2.GitError, ValueError, KeyError):  # SHA-256, reftable, foreign owner
            pass
    return {pair: ahead_behind(run, *pair) for pair in wanted}


def commits(run: Run, base: str, tip: str, limit: int, without: Sequence[str] = ()) -> list[Commit]:
    """List the commits of tip that base lacks, newest first.

    without: oids of commits that count as the base's, too.
    """
    form = "--format=%H%x00%ct%x00%an <%ae>%x00%s"
    how = ("-z", form, "--no-show-signature", "--no-color", f"--max-count={limit}", "--end-of-options")
    done = run("log", *how, f"{base}..{tip}", *(f"^{oid}" for oid in without), "--")
    fields = done.fields if done.out else []
    rows = (fields[at : at + 4] for at in range(0, len(fields) - 3, 4))
    return [Commit(oid, subject, author, int(when)) for oid, when, author, subject in rows]


def changed_by_commit(run: Run, *revisions: str) -> dict[str, dict[str, str]]:
    """Map the commits that `git log` selects to the paths that each changes.

    revisions: revisions and options of git log.
    Each path comes with the letter of `git diff --raw`: A, D, M or T. A rename is a deletion and an addition.
    """
    fields = run("log", "--root", "--format=%H", *_NAMES, *revisions, "--").fields
    found: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    for field, path in _raw(fields):
        if path is None:
            paths = found.setdefault(field, {})
        else:
            paths[path] = field
    return found


def changed_between(run: Run, old: str, new: str, paths: Sequence[str] = ()) -> dict[str, str]:
    """Map the paths that differ between two commits to their letters, as in changed_by_commit().

    paths: compare only these files, unless empty.
    """
    done = run("--literal-pathspecs", "diff-tree", "-r", *_NAMES, "--end-of-options", old, new, "--", *paths)
    return {path: letter for letter, path in _raw(done.fields) if path is not None}


class Change(Record):
    """A path that differs between two commits. modes and blobs: before and after; zeros where it does not exist."""

    path: str
    modes: tuple[str, str]
    blobs: tuple[str, str]


def changes_since(run: Run, starts: Mapping[str, str]) -> dict[str, list[Change]]:
    """Map commits to what differs between the commit that they are compared with and themselves, with one git command.

    starts: by full oid, the full oid of the commit to compare with.
    """
    given = "".join(f"{oid} {start}\n" for oid, start in starts.items()).encode()
    found: dict[str, list[Change]] = {oid: [] for oid in starts}
    fields = iter(run("diff-tree", "--stdin", "-r", *_NAMES, stdin=given).fields if starts else ())
    oid = ""
    for field in fields:
        if field.startswith(":"):
            before, after, old, new, _ = field[1:].split(" ")
            found[oid].append(Change(next(fields), (before, after), (old, new)))
        elif field:
            oid = field
    return found


def blobs_of(run: Run, commit: str, paths: Collection[str]) -> dict[str, str | None]:
    """Map paths to their blobs in a commit (a full oid), with one git command; None for what it does not have.

    paths: relative to the top, without newlines.
    """
    wanted = list(paths)
    given = "".join(f"{commit}:{path}\0" for path in wanted).encode("utf-8", "surrogateescape")
    asked = ("cat-file", "-z", "--batch-check=%(objectname)")
    rows = run(*asked, stdin=given).text.split("\n") if wanted else ()
    return {path: None if row.endswith(" missing") else row for path, row in zip(wanted, rows, strict=True)}


def _raw(fields: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield (letter, path) of each change, and (oid, None) before those of a commit."""
    each = iter(fields)
    for field in each:
        word = field.removeprefix("\n")
        if word.startswith(":"):
            yield word[-1], next(each)
        elif word:
            yield word, None


def patches(run: Run, wanted: Sequence[str]) -> dict[str, str]:
    """Map commits to a digest of what they change; equal changes have equal digests, wherever in a file they are.

    wanted: "<commit>" for what it changes relative to its one parent, "<commit> <other>" relative to another commit.
        Each commit may come only once, since git remembers the other parent.
    Commits that change nothing are left out. The digest is like that of `git patch-id --verbatim`, which older versions
    lack, but it always includes modes and the content of binary files.
    """
    given = "".join(f"{line}\n" for line in wanted).encode()
    out = run("diff-tree", "--stdin", "--root", *_PLAIN, "-r", stdin=given).out if wanted else b""
    import hashlib

    parts = re.split(_ENTRY, out)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {oid.decode(): hashlib.sha256(re.sub(_PLACE, b"@@", patch)).hexdigest() for oid, patch in pairs if patch}


def stashes(run: Run, branch: str) -> list[str]:
    """List the stash entries made on a branch, with the names git gives them. There must be a stash."""
    # Under log.date, %gd shows dates instead of numbers; the position is the number.
    lines = run("log", "--walk-reflogs", "--no-show-signature", "--format=%gs", "refs/stash", "--").text.split("\n")
    ours = (f"WIP on {branch}: ", f"On {branch}: ")
    return [f"stash@{{{at}}}: {line}" for at, line in enumerate(lines) if line.startswith(ours)]


_LONG = 20_000  # commits
_INDEXED = 28  # bytes that an object takes in the index of a pack, at least
# Each of these keeps git from using a commit-graph of this repository, or lets it use another one.
_OTHER_GRAPHS = (
    _GRAPH,
    ("objects", "info", "commit-graphs", "commit-graph-chain"),
    ("objects", "info", "alternates"),
    SHALLOW,
    GRAFTS,
)


def lacks_commit_graph(run: Run, common_dir: str) -> bool:
    """Tell whether a long history has no commit-graph, and git could use one.

    Of 100,000 commits, `for-each-ref --merged` reads what it needs in 0.45 s with one and in 4.1 s without (measured).
    A short history costs no process: the size of the packs tells.
    """
    try:
        with os.scandir(os.path.join(common_dir, "objects", "pack")) as packs:
            size = sum(each.stat().st_size for each in packs if each.name.endswith(".idx"))
    except OSError:  # there are none, or git is packing them again
        return False
    if size < _LONG * _INDEXED:
        return False
    if any(os.path.exists(os.path.join(common_dir, *path)) for path in _OTHER_GRAPHS):
        return False
    if run("config", "--type=bool", "--get", "core.commitGraph", ok=(0, 1, 128)).text == "false":
        return False
    counted = run("rev-list", "--count", f"--max-count={_LONG}", "--all", ok=(0, 128))  # 128: a commit is missing
    return counted.status == 0 and int(counted.text) == _LONG
