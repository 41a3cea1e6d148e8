"""8 processes send and 8 receive at once: each message arrives, in order, and never again once acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.mark.rest
@pytest.mark.timeout(110)
def test_800_messages_of_8_senders_reach_8_receivers_once(repo: Sandbox) -> None:
    repo.agent("init")
    repo.git("config", "agent.messageRate", "0")
    # In an interpreter of its own: it forks.
    code = (
        "import json, sys; from dataclasses import asdict; from pathlib import Path\n"
        "from tests.bench.correspondents import exchange\n"
        "print(json.dumps(asdict(exchange(Path(sys.argv[1]), 8, 100))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, repo.path], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == []
    assert (found["lost"], found["again"], found["disordered"]) == (0, 0, 0)


def test_of_many_acknowledgements_at_once_one_counts_and_all_succeed(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("send", "@human", "Once")
    results = repo.parallel([("ack", "1", "--json")] * 6)
    assert [result.code for result in results] == [0] * 6
    assert sorted(len(result.json()["already"]) for result in results) == [0, 1, 1, 1, 1, 1]
