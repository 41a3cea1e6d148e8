"""The picture in the README: `git agent status` with three agents, as a terminal of 90 columns shows it.

The tasks are real ones in a throwaway repository, and so are the text and the colours. `make docs` draws it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from html import escape
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.text import Text

from git_agent.demo.stage import Stage

COLUMNS = 90
COMMAND = "git agent status"
SCENE = (
    "git agent init",
    'git agent spawn "Search while listing" --agent ada',
    'git agent spawn "Count the books" --agent ben',
    'git agent spawn "Show the last book" --agent cleo',
    'git agent add "Publish release 1.1" --after 1 --after 2',
    "git agent start 1 && git agent ask 'Should the search ignore case?' --task 1",
    "cd ../shelf.worktrees/2-* && echo Counts. >>README.md && git commit -qam 'Count the books' && git agent done",
    "cd ../shelf.worktrees/3-* && git agent start && git agent heartbeat -m 'reading the code'",
)
# How long ago each task came where it is. The seconds leave the scene most of a minute to be played in.
AGES_S = {1: 12 * 60 + 2, 2: 4 * 60 + 2, 3: 60 + 2, 4: 20 * 60 + 2}

PALETTE = {
    "bold": "font-weight:bold;fill:#ffffff",
    "dim": "opacity:.65",
    "red": "fill:#ff7b72",
    "green": "fill:#7ee787",
    "yellow": "fill:#e3b341",
    "blue": "fill:#79c0ff",
    "magenta": "fill:#d2a8ff",
    "cyan": "fill:#56d4dd",
    "white": "fill:#b1bac4",
}
_ANSI = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
ADVANCE, LINE, MARGIN, BAR = 8.4, 20, 20, 36  # of a character, of a line, around the text, of the window's title


def status(stage: Stage) -> str:
    """Play the scene on a stage with colours, and draw what `git agent status` prints there."""
    for command in SCENE:
        stage.ask(command)
    _make_older(Path(stage.root, "shelf/.git/git-agent/agent.db"))
    printed = stage.ask(f"stty columns {COLUMNS} <&1 && {COMMAND}", table=True)
    # The commit was made just now, so its oid is another one each time.
    shown = [re.sub(r"--at [0-9a-f]{12}", "--at 5d1f3a2c97e0", line) for line in printed]
    return drawn([f"\x1b[32m$\x1b[0m {COMMAND}", *shown])


def _make_older(store: Path) -> None:
    """Move every moment of each task into the past, so that ages don't depend on how fast the scene was played.

    Events stay: they can't be changed, and no age is computed from them here.
    """
    with closing(sqlite3.connect(store)) as connection, connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in set(tables) - {"event"}:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            task = "id" if table == "task" else "task"
            for moment in [name for name in columns if task in columns and re.fullmatch("(.*_)?at", name)]:
                change = f"UPDATE {table} SET {moment} = {moment} - ? WHERE {task} = ?"
                connection.executemany(change, [(age_s * 1000, number) for number, age_s in AGES_S.items()])


def drawn(lines: Sequence[str]) -> str:
    """Draw lines with ANSI colours as a window of a terminal: an SVG that needs nothing but itself."""
    width, height = round(COLUMNS * ADVANCE + 2 * MARGIN), BAR + len(lines) * LINE + MARGIN
    used = {name for line in lines for name, _ in _pieces(line)}
    rules = [f".{name}{{{rule}}}" for name, rule in PALETTE.items() if any(name in names.split() for names in used)]
    dots = [f'<circle cx="{MARGIN + 20 * n}" cy="{BAR / 2:g}" r="6" fill="{c}"/>' for n, c in enumerate(_DOTS)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img">',
            f"<title>{COMMAND} with three agents</title>",
            f"<style>text{{font:14px {FONT};fill:#c9d1d9;white-space:pre}}{''.join(rules)}</style>",
            f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="#0d1117" stroke="#30363d"/>',
            *dots,
            *(_text(line, BAR + LINE * (at + 1) - 6) for at, line in enumerate(lines)),
            "</svg>\n",
        ]
    )


_DOTS = ("#ff5f57", "#febc2e", "#28c840")


def _text(line: str, y: int) -> str:
    plain = Text.from_ansi(line).plain.rstrip()
    if not plain:
        return f'<text y="{y}"/>'
    inner = "".join(f'<tspan class="{name}">{escape(t)}</tspan>' if name else escape(t) for name, t in _pieces(line))
    # Whatever the font is, a line is as wide as on the terminal.
    place = f'x="{MARGIN}" y="{y}" textLength="{len(plain) * ADVANCE:g}" lengthAdjust="spacingAndGlyphs"'
    return f'<text {place} xml:space="preserve">{inner.rstrip()}</text>'


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line that look the same: class names of PALETTE, and text."""
    for part, style, _ in Text.from_ansi(line).render(Console()):
        names = _names(style) if isinstance(style, Style) else []
        assert set(names) <= PALETTE.keys(), f"no colour for {style}"
        yield " ".join(names), part.removesuffix("\n")


def _names(style: Style) -> list[str]:
    looks = [name for name, on in (("bold", style.bold), ("dim", style.dim)) if on]
    return [*looks, _ANSI[style.color.number or 0]] if style.color else looks
