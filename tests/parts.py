"""Run the parts of the tests one after the other; say at the end what ran, and what was skipped and why.

    python -m tests.parts               every part
    python -m tests.parts NAME ...      some, by name
    python -m tests.parts --more        every part that needs more than `main`

`main` needs what the README names and nothing else. `rest` needs more time (tests/sample.py). Each other part needs
something more; once it has tests, it has a target of its own in the Makefile. A part without tests is skipped, and so
is one for which something is missing. The exit code is 1 when a part fails, and when a part that was asked for by name
cannot run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Part:
    """Some tests, and what they need. where: a folder; lacks: says what is missing here, "" when nothing is."""

    name: str
    where: str
    args: tuple[str, ...] = ()
    lacks: Callable[[], str] = lambda: ""

    def reason_to_skip(self) -> str:
        """Say why this part can't run, "" when it can."""
        if not any((ROOT / self.where).rglob("test_*.py")):
            return f"there are no such tests yet ({self.where})"
        return self.lacks()


def _one_of(*programs: str) -> Callable[[], str]:
    return lambda: "" if any(map(shutil.which, programs)) else f"none of these is installed: {', '.join(programs)}"


PARTS = (
    Part("main", "tests", ("--sample",)),
    Part("rest", "tests", ("--rest",)),
    Part("network", "tests", ("--network", "-m", "network"), _one_of("apt-get", "npm", "pip")),
    Part("agents", "tests/agents", (), _one_of("claude", "codex", "gemini", "opencode")),
    Part("browser", "tests/browser", (), _one_of("chromium", "chromium-browser", "google-chrome", "firefox")),
    Part("postgres", "tests/postgres", (), _one_of("postgres", "pg_ctl", "pg_ctlcluster")),
)


@dataclass(frozen=True)
class Ran:
    """How a part ended. closing: pytest's last line; skipped: its lines about tests that were skipped."""

    code: int
    closing: str
    skipped: tuple[str, ...]


def run(part: Part) -> Ran:
    """Run a part's tests, and pass on what pytest prints as it comes."""
    print(f"== {part.name}", flush=True)
    command = [sys.executable, "-u", "-m", "pytest", *part.args, part.where]
    closing, skipped = "", []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace") as pytest:
        assert pytest.stdout is not None
        for line in pytest.stdout:
            print(line, end="", flush=True)
            closing = line.strip() or closing
            if line.startswith("SKIPPED"):
                skipped.append(line.removeprefix("SKIPPED ").strip())
    return Ran(pytest.returncode, closing, tuple(skipped))


def say(ran: dict[str, Ran], skipped: dict[str, str]) -> None:
    """Print what ran and what was skipped: parts, and single tests of those that ran."""
    print("\n== ran")
    for name, how in ran.items():
        print(f"{name}: {how.closing}" + (f" (exit code {how.code})" if how.code else ""))
    print("== skipped")
    for name, how in ran.items():
        for line in how.skipped:
            print(f"{name}: {line}")
    for name, reason in skipped.items():
        print(f"{name}: all of it: {reason}")


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.parts", description="Run the parts of the tests.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(part.name for part in PARTS))
    parser.add_argument("--more", action="store_true", help="all but main")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - {part.name for part in PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    ran: dict[str, Ran] = {}
    skipped: dict[str, str] = {}
    for part in PARTS:
        if part.name in given.names or (not given.names and not (given.more and part.name == "main")):
            if reason := part.reason_to_skip():
                skipped[part.name] = reason
            else:
                ran[part.name] = run(part)
    say(ran, skipped)
    return int(any(how.code for how in ran.values()) or not skipped.keys().isdisjoint(given.names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
