"""Render the demo: headings, commands, and their output, each line of a worker with its name."""

from __future__ import annotations

from typing import Any

from git_agent.demo.play import DemoResult
from git_agent.demo.stage import DemoLine
from git_agent.render.style import paint

_WORKERS = {"ada": "35", "ben": "36", "cleo": "33"}  # SGR colours
_MARGIN = 5


def demo_line(said: DemoLine, colour: bool) -> str:
    """Format one line. colour: whether to use escape sequences; the programs' own colours always stay."""
    margin = paint(f"{said.who:<{_MARGIN}}", _WORKERS[said.who], colour) + "| " if said.who else ""
    if said.kind == "heading":
        return "\n" + paint(f"## {said.text}", "1", colour) + "\n"
    if said.kind == "command":
        return margin + paint(f"$ {said.text}", "1", colour)
    if said.kind == "note":
        return paint(said.text, "2", colour)
    return (margin + said.text).rstrip()


def closing_lines(shown: DemoResult) -> list[str]:
    """Return lines that say how long the demo took, and where it is if it was kept."""
    if shown.directory is None:
        return ["", f"{shown.seconds:.1f} s; everything was removed (git agent demo --keep DIR keeps it)"]
    return ["", f"{shown.seconds:.1f} s; kept in {shown.directory}: the repository shelf, and the workers' scripts"]


def demo_json(shown: DemoResult) -> dict[str, Any]:
    """Return the demo as JSON values: the commands, and the tasks at the end."""
    steps = [step._asdict() for step in shown.steps]
    return {"steps": steps, "tasks": list(shown.tasks), "seconds": shown.seconds, "directory": shown.directory}
