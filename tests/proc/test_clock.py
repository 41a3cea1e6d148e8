"""proc/clock: this host's clocks, as they are."""

from __future__ import annotations

import os
import time

from git_agent.domain.clocks import compare
from git_agent.proc import clock


def test_the_clocks_are_this_hosts_and_go_on_together() -> None:
    first = clock.read()
    time.sleep(0.05)
    second = clock.read()
    assert first.host == os.uname().nodename and first.boot_id == second.boot_id != ""
    assert abs(first.wall - time.time() * 1000) < 60_000
    for before, after in zip(first[2:], second[2:], strict=True):
        assert 40 <= after - before < 60_000
    assert second.boot >= second.awake > 0
    seen = compare(None, first, 60.0)
    assert compare(seen, second, 60.0) is seen
