"""The project of the demo: a small program with a history of two branches, as a stream for `git fast-import`."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.record import Record

_IGNORED = "__pycache__/\n"
_BOOKS = "Ursula K. Le Guin, The Dispossessed\nStanislaw Lem, Solaris\nTove Jansson, The Summer Book\n"
_README = "# shelf\n\nKeeps a shelf of books in a text file.\n\n    python3 shelf.py list\n"
_SHELF = '''\
"""Keep a shelf of books in a text file: an author and a title on each line."""

import importlib
import sys
from pathlib import Path

COMMANDS = ["list"]
BOOKS = Path(__file__).with_name("books.txt")


def main(name="list", *words):
    if name not in COMMANDS:
        sys.exit("commands: " + ", ".join(COMMANDS))
    importlib.import_module("commands." + name).run(BOOKS, *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
'''
_LIST = '''\
"""List the books."""


def run(books):
    for line in books.read_text().splitlines():
        print(line)
'''
_ADD = '''\
"""Add a book: author, title."""


def run(books, author, title):
    with books.open("a") as file:
        file.write(f"{author}, {title}\\n")
'''
_TEST = '''\
"""Run every command on a shelf of its own."""

import contextlib
import importlib
import io
import tempfile
from pathlib import Path

import shelf

WORDS = {"add": ["Italo Calvino", "Invisible Cities"]}

with tempfile.TemporaryDirectory() as directory:
    books = Path(directory, "books.txt")
    books.write_text(shelf.BOOKS.read_text())
    for name in shelf.COMMANDS:
        with contextlib.redirect_stdout(io.StringIO()):
            importlib.import_module("commands." + name).run(books, *WORDS.get(name, []))
print(f"{len(shelf.COMMANDS)} commands work")
'''
_MISSING = _SHELF.replace(
    "    importlib.import", '    if not BOOKS.exists():\n        sys.exit(f"there is no {BOOKS}")\n    importlib.import'
)
_SORTED = _LIST.replace("books.read_text().splitlines()", "sorted(books.read_text().splitlines())")


class _Commit(Record):
    """One commit.

    day: of January 2026; parents: marks, the first parent first
    """

    branch: str
    author: str
    day: int
    message: str
    parents: tuple[int, ...]
    files: Mapping[str, str]


_WITH_ADD = '["list", "add"]'
_HISTORY = (
    _Commit(
        *("main", "Grace Hopper", 5, "Begin with a shelf that can be listed", ()),
        {
            ".gitignore": _IGNORED,
            "README.md": _README,
            "books.txt": _BOOKS,
            "commands/list.py": _LIST,
            "shelf.py": _SHELF,
        },
    ),
    _Commit(
        *("main", "Alan Turing", 6, "Add books from the command line", (1,)),
        {"commands/add.py": _ADD, "shelf.py": _SHELF.replace('["list"]', _WITH_ADD)},
    ),
    _Commit(*("main", "Grace Hopper", 8, "Test every command", (2,)), {"test_shelf.py": _TEST}),
    _Commit(*("release-1.0", "Grace Hopper", 12, "Name the release 1.0", (3,)), {"VERSION": "1.0\n"}),
    _Commit(
        *("main", "Alan Turing", 13, "Say so when there is no shelf", (3,)),
        {"shelf.py": _MISSING.replace('["list"]', _WITH_ADD)},
    ),
    _Commit(*("release-1.0", "Alan Turing", 14, "List by author", (4,)), {"commands/list.py": _SORTED}),
    _Commit(
        *("main", "Grace Hopper", 15, "Merge branch 'release-1.0'", (5, 6)),
        {"VERSION": "1.0\n", "commands/list.py": _SORTED},
    ),
)


def demo_project() -> str:
    """Return the history as a stream for `git fast-import`: seven commits on main and release-1.0.

    Dates and people are fixed, so the commits have the same oids in every demo.
    """
    return "".join(_written(number, commit) for number, commit in enumerate(_HISTORY, start=1)) + "done\n"


def _written(number: int, commit: _Commit) -> str:
    email = commit.author.split()[0].lower() + "@example.org"
    when = 1767225600 + (commit.day - 1) * 86400 + 36000  # 2026-01-01T00:00:00Z, plus ten hours
    links = "".join(f"{word} :{mark}\n" for word, mark in zip(("from", "merge"), commit.parents, strict=False))
    files = "".join(f"M 100644 inline {path}\n{_data(text)}" for path, text in commit.files.items())
    return (
        f"commit refs/heads/{commit.branch}\nmark :{number}\n"
        f"committer {commit.author} <{email}> {when} +0000\n{_data(commit.message)}{links}{files}\n"
    )


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
