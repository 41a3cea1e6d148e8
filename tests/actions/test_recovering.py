"""Recovery: each kind of intent has one module that writes, observes, finishes and rolls it back."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

from git_agent.actions.recovery.recover import WRITERS, Writer
from git_agent.domain.recovery import StepProgress, choose_recovery

ACTIONS = Path(__file__).parents[2] / "git_agent" / "actions"
PARTS = ("observe", "finish", "roll_back")


@pytest.mark.parametrize("kind", WRITERS)
def test_the_module_of_a_kind_has_what_recovery_calls(kind: str) -> None:
    module = import_module(WRITERS[kind])
    for part in PARTS:
        expected = inspect.signature(getattr(Writer, part))
        self, *parameters = expected.parameters.values()
        found = inspect.signature(getattr(module, part))
        assert found == expected.replace(parameters=parameters), (self, part)
    assert choose_recovery(kind, StepProgress())


def test_an_intent_is_written_by_the_module_that_recovers_it_and_by_no_other() -> None:
    written = set()
    for path in ACTIONS.rglob("*.py"):
        module = ".".join(("git_agent", "actions", *path.relative_to(ACTIONS).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "record_intent":
                written.add((ast.literal_eval(node.args[1]), module))
    assert written == set(WRITERS.items())
