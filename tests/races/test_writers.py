"""64 processes write to one store at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The target is 2 s on an idle machine (tests/bench/writers.py measures it). 11 s were seen at a load of 30 on two
# cores, and a command gives up after 30 s.
LIMIT_S = 25.0


@pytest.mark.rest
@pytest.mark.timeout(100)
def test_64_processes_writing_lose_no_update_and_none_starves(tmp_path: Path) -> None:
    # In an interpreter of its own: it forks.
    code = (
        "import json, sys; from dataclasses import asdict; from tests.bench.writers import measure; "
        "print(json.dumps(asdict(measure(64, 2.5, sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "git-agent")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"longest wait {max(found['waits']):.2f} s, changes {min(found['made'])} to {max(found['made'])}")
    assert found["errors"] == []
    assert len(found["made"]) == 64 and min(found["made"]) >= 1
    assert found["kept"] == sum(found["made"])
    assert max(found["waits"]) < LIMIT_S
