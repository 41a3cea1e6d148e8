"""A history with many merges, made from a seed by one `git fast-import`: all that makes two trees hard to merge."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ATTRIBUTES = ("", "*.log merge=union\n", "*.log merge=union\n*.dat binary\n*.md -text\n")
SUBMODULES = tuple(f"{digit:x}" * 40 for digit in range(1, 8))


class Entry(NamedTuple):
    """A file in a tree: its mode as git writes it, and its content; of a submodule the commit."""

    mode: str
    content: bytes


@dataclass(frozen=True)
class Commit:
    """A commit of the history, by its mark."""

    mark: int
    tree: dict[str, Entry]
    parents: tuple[int, ...]


def generate(directory: Path, seed: str, merges: int) -> list[tuple[str, str]]:
    """Fill a fresh repository; return the pairs of commits that are to be merged, each with one in common.

    Lines of work fork from any commit, change a few files, and are merged again, so that there are several merge bases
    (criss-cross) after a while.
    """
    chance = random.Random(seed)
    commits = [Commit(1, _first(chance), ())]
    pairs: list[tuple[int, int]] = []
    while len(pairs) < merges:
        start = chance.choice(commits[-12:])
        ours, theirs = (_line(commits, start, chance) for _ in range(2))
        if chance.random() < 0.3:  # criss-cross: each has merged the other's first commit, as it liked
            ours, theirs = _join(commits, ours, theirs, chance), _join(commits, theirs, ours, chance)
        pairs.append((ours.mark, theirs.mark))
        _join(commits, ours, theirs, chance)
    oids = _import(directory, commits)
    return [(oids[ours], oids[theirs]) for ours, theirs in pairs]


def _first(chance: random.Random) -> dict[str, Entry]:
    names = [f"{folder}/{number}.{kind}" for folder in ("src", "src/deep", "docs") for number, kind in _KINDS]
    tree = {name: Entry("100644", _text(chance)) for name in names}
    return {**tree, ".gitattributes": Entry("100644", ATTRIBUTES[1].encode()), "sub": Entry("160000", b"1" * 40)}


_KINDS = tuple(zip(range(5), ("py", "md", "log", "dat", "txt"), strict=True))


def _text(chance: random.Random) -> bytes:
    return "".join(f"line {number} {chance.randrange(10**6)}\n" for number in range(24)).encode()


def _line(commits: list[Commit], start: Commit, chance: random.Random) -> Commit:
    for _ in range(chance.randrange(1, 4)):
        tree = dict(start.tree)
        for _ in range(chance.randrange(1, 5)):
            chance.choices(CHANGES, (8, 3, 2, 3, 2, 1, 1, 1, 1, 1))[0](tree, chance)
        start = _add(commits, tree, (start.mark,))
    return start


def _join(commits: list[Commit], ours: Commit, theirs: Commit, chance: random.Random) -> Commit:
    """Merge as somebody would who takes files from either side."""
    tree = {}
    for name in sorted({*ours.tree, *theirs.tree}):
        found = [side[name] for side in (ours.tree, theirs.tree) if name in side]
        if len(found) == 2 or chance.random() < 0.7:
            tree[name] = chance.choice(found)
    return _add(commits, _without_clashes(tree), (ours.mark, theirs.mark))


def _add(commits: list[Commit], tree: dict[str, Entry], parents: tuple[int, ...]) -> Commit:
    commits.append(Commit(len(commits) + 1, _without_clashes(tree), parents))
    return commits[-1]


def _without_clashes(tree: dict[str, Entry]) -> dict[str, Entry]:
    """A name is a file or a directory; the directory wins."""
    folders = {name.rpartition("/")[0] for name in tree}
    folders |= {folder.rpartition("/")[0] for folder in folders}
    return {name: entry for name, entry in tree.items() if name not in folders}


def _files(tree: dict[str, Entry], chance: random.Random) -> str:
    return chance.choice(sorted(name for name in tree if tree[name].mode != "160000"))


def _change(tree: dict[str, Entry], chance: random.Random) -> None:
    name = _files(tree, chance)
    lines = tree[name].content.splitlines(keepends=True) or [b"\n"]
    lines[chance.randrange(len(lines))] = f"changed {chance.randrange(10**6)}\n".encode()
    tree[name] = tree[name]._replace(content=b"".join(lines))


def _append(tree: dict[str, Entry], chance: random.Random) -> None:
    name = _files(tree, chance)
    more = f"more {chance.randrange(10**6)}\n".encode()
    tree[name] = tree[name]._replace(content=tree[name].content + more)


def _create(tree: dict[str, Entry], chance: random.Random) -> None:
    tree[f"new/{chance.randrange(6)}.txt"] = Entry("100644", _text(chance))


def _delete(tree: dict[str, Entry], chance: random.Random) -> None:
    if len(tree) > 8:
        del tree[_files(tree, chance)]


def _rename(tree: dict[str, Entry], chance: random.Random) -> None:
    name = _files(tree, chance)
    tree[f"moved/{chance.randrange(4)}-{name.rpartition('/')[2]}"] = tree.pop(name)


def _rename_folder(tree: dict[str, Entry], chance: random.Random) -> None:
    old, new = chance.sample(["src/deep/", "docs/", "new/", "lib/"], 2)
    for name in [name for name in tree if name.startswith(old)]:
        tree[new + name.removeprefix(old)] = tree.pop(name)


def _mode(tree: dict[str, Entry], chance: random.Random) -> None:
    name = _files(tree, chance)
    if name != ".gitattributes":
        tree[name] = tree[name]._replace(mode=chance.choice(["100755", "100644", "120000"]))


def _binary(tree: dict[str, Entry], chance: random.Random) -> None:
    tree[f"src/{chance.randrange(3)}.bin"] = Entry("100644", b"\0" + chance.randbytes(64))


def _submodule(tree: dict[str, Entry], chance: random.Random) -> None:
    tree["sub"] = Entry("160000", chance.choice(SUBMODULES).encode())


def _attributes(tree: dict[str, Entry], chance: random.Random) -> None:
    tree[".gitattributes"] = Entry("100644", chance.choice(ATTRIBUTES).encode())


CHANGES = (
    *(_change, _append, _create, _delete, _rename, _rename_folder),
    *(_mode, _binary, _submodule, _attributes),
)


def _import(directory: Path, commits: list[Commit]) -> dict[int, str]:
    stream = b"".join(_commit(commit) for commit in commits)
    for commit in commits:
        stream += b"get-mark :%d\n" % commit.mark
    command = ["git", "fast-import", "--quiet", "--force", "--cat-blob-fd=1"]
    done = subprocess.run(command, cwd=directory, input=stream, capture_output=True, check=True)
    return dict(zip((commit.mark for commit in commits), done.stdout.decode().split(), strict=True))


def _commit(commit: Commit) -> bytes:
    date = 1_700_000_000 + commit.mark * 60
    lines = [b"commit refs/heads/made\nmark :%d\n" % commit.mark]
    lines.append(b"committer Ada Lovelace <ada@example.org> %d +0000\ndata 5\nmade\n\n" % date)
    for word, parent in zip((b"from", b"merge"), commit.parents, strict=False):
        lines.append(b"%s :%d\n" % (word, parent))
    lines.append(b"deleteall\n")
    for name, entry in commit.tree.items():
        if entry.mode == "160000":
            lines.append(b"M 160000 %s %s\n" % (entry.content, name.encode()))
        else:
            content = entry.content.hex()[:60].encode() if entry.mode == "120000" else entry.content
            lines.append(b"M %s inline %s\ndata %d\n" % (entry.mode.encode(), name.encode(), len(content)))
            lines.append(content + b"\n")
    return b"".join([*lines, b"\n"])
