"""No verb that writes is left out: each has a scene in which it is hurt, or a reason why it has none."""

from __future__ import annotations

from git_agent.verbs import VERBS
from tests.faults.scenes import SCENES

ONLY_LOOK = {
    *("hooks", "config", "ready", "ps", "logs", "prime", "diff", "help"),
    *("tail", "status", "list", "show", "log", "watch", "path", "stats"),
}
ELSEWHERE = {
    "init": "test_hooks_killed: what it writes is not the store's",
    "deinit": "test_hooks_killed",
    "run": "test_run_killed: it lasts, and is killed with its command",
    "stop": "test_run_killed: it needs a command that runs",
    "conflicts": "it writes only what it would compute again",
    "exec": "it writes nothing itself",
    "completion": "it writes files of the shell, whole or not at all: tests/cli/test_completion.py",
    "demo": "it works in a throwaway repository",
}


def test_every_verb_is_hurt_or_has_a_reason_not_to_be() -> None:
    hurt = {scene.argv[0] for scene in SCENES.values()}
    assert hurt | ONLY_LOOK | ELSEWHERE.keys() == VERBS.keys()
    assert hurt & (ONLY_LOOK - {"list"} | ELSEWHERE.keys()) == set()
