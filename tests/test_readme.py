"""The first screen of the README: what it is, a picture, five lines that work, and the two commands of the Makefile."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

from tests import picture
from tests.documents import ROOT
from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox

README = (ROOT / "README.md").read_text()
PICTURE = ROOT / "docs/pictures/status.svg"
AGENT = """\
#!/bin/sh
echo fixed >login.txt && git add login.txt && git commit --quiet --message 'Fix the login'
"""


def blocks() -> list[list[str]]:
    """Return the indented blocks: lines to type, without their comments."""
    found = re.findall(r"(?m)(?:^    .*\n)+", README)
    return [[re.sub(r" +# .*", "", line).strip() for line in block.splitlines()] for block in found]


def test_the_readme_begins_with_two_sentences_and_a_picture() -> None:
    title, what, image, *_ = README.split("\n\n")
    assert title == "# git agent" and len(re.findall(r"\.(?:\s|$)", what)) == 2
    assert re.fullmatch(r"!\[.+\]\(docs/pictures/status\.svg\)", image)


def test_make_demo_and_make_test_come_after_the_five_lines() -> None:
    five, makes, *_ = blocks()
    assert len(five) == 5 and makes == ["make demo", "make test"]
    assert re.findall(r"make [a-z]+", README)[:2] == makes


def test_the_five_lines_take_a_newcomer_to_a_merged_change(repo: Sandbox, tmp_path: Path) -> None:
    claude = tmp_path / "bin/claude"
    claude.parent.mkdir()
    claude.write_text(AGENT)
    claude.chmod(0o755)
    path = {"PATH": os.pathsep.join([str(claude.parent), os.environ["PATH"]])}

    def typed(line: str) -> str:
        done = repo.run("sh", "-c", line, env=path)
        assert done.code == 0, done
        return done.out

    install, init, spawn, status, land = blocks()[0]
    assert shlex.split(install) == ["uv", "tool", "install", "."]
    typed(init)
    typed(spawn)
    eventually(lambda: "git agent approve 1" in typed(status), lambda: typed("git agent logs 1; git agent show 1"))
    typed(land)
    assert (repo.path / "login.txt").read_text() == "fixed\n" and repo.tasks()[1]["state"] == "COMPLETED"


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    drawn = PICTURE.read_text()
    assert len(drawn) < 10_000
    assert re.findall(r"https?://[^\"]*", drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|@font-face|url\(|href|<image|<script|/(?:home|tmp)/", drawn)
    assert str(ROOT) not in drawn


def test_the_picture_shows_three_tasks_in_three_situations() -> None:
    lines = ["".join(text.itertext()) for text in ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")]
    assert lines[0] == "$ git agent status" and max(map(len, lines)) <= picture.COLUMNS
    shown = "\n".join(lines)
    assert "1 search-while-listing asks:" in shown and "git agent approve 2" in shown
    assert re.search(r"3 +WORKING .* cleo +alive", shown)


def test_a_line_is_drawn_with_its_colours_and_its_text_escaped() -> None:
    drawn = picture.drawn(["\x1b[1;31m<a> & \x1b[0mb"])
    (text,) = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    (piece,) = text
    assert (piece.get("class"), piece.text, piece.tail) == ("bold red", "<a> & ", "b")
    assert ".red{fill:#ff7b72}" in drawn and ".blue" not in drawn
