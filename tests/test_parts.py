"""The parts of the tests: what cannot run is named with the reason, and nothing that is asked for passes unseen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import PARTS, Part, Ran, say

ROOT = Path(__file__).parents[1]


def test_a_part_without_tests_is_named_with_the_reason_and_does_not_pass_when_asked_for() -> None:
    empty = next((part for part in PARTS if not any((ROOT / part.where).rglob("test_*.py"))), None)
    if empty is None:
        pytest.skip("every part has tests")
    done = subprocess.run([sys.executable, "-m", "tests.parts", empty.name], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == f"{empty.name}: all of it: there are no such tests yet ({empty.where})"


def test_a_part_for_which_something_is_missing_says_what() -> None:
    assert Part("main", "tests", lacks=lambda: "no browser").reason_to_skip() == "no browser"
    assert Part("main", "tests").reason_to_skip() == ""


def test_the_last_lines_name_what_ran_and_every_skip(capsys: pytest.CaptureFixture[str]) -> None:
    say({"main": Ran(1, "1 failed, 2 passed in 3s", ("[2] tests/x.py:1: no zsh",))}, {"browser": "no browser"})
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "",
        "== ran",
        "main: 1 failed, 2 passed in 3s (exit code 1)",
        "== skipped",
        "main: [2] tests/x.py:1: no zsh",
        "browser: all of it: no browser",
    ]


def test_the_sample_and_the_rest_are_all_tests_and_only_marked_functions_are_left_out_whole() -> None:
    everything, sample, rest = (_collected(*option) for option in ((), ("--sample",), ("--rest",)))
    assert sorted(sample + rest) == sorted(everything) and 0 < len(rest) < len(sample)
    marked = _functions(_collected("--rest", "-m", "rest"))
    assert _functions(everything) - _functions(sample) <= marked


def _collected(*options: str) -> list[str]:
    """Return what is collected of one folder that has both: marked functions, and others with many variants."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-p", "no:cacheprovider", *options]
    done = subprocess.run([*command, "tests/races"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def _functions(ids: list[str]) -> set[str]:
    return {each.partition("[")[0] for each in ids}


def test_each_part_with_tests_has_a_target_and_no_other_run_enters_its_folder() -> None:
    targets = set(re.findall(r"(?m)^test-(\w+):", (ROOT / "Makefile").read_text())) - {"all", "parts"}
    assert targets == {
        part.name for part in PARTS if part.name != "main" and any((ROOT / part.where).rglob("test_*.py"))
    }
    for folder in (part.where for part in PARTS if part.where != "tests"):
        assert f'"{folder}"' in (ROOT / "pyproject.toml").read_text()
