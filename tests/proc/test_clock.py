"""proc/clock reads this host's clocks."""

from __future__ import annotations

import time

from git_agent.domain.host_clocks import update_clocks
from git_agent.proc import clock, processes


def test_the_clocks_are_this_hosts_and_go_on_together() -> None:
    first = clock.read_clocks()
    time.sleep(0.05)
    second = clock.read_clocks()
    assert first.machine == processes.machine_id() != "" and first.boot_id == second.boot_id != ""
    assert abs(first.wall - time.time() * 1000) < 60_000
    for before, after in zip(first[2:], second[2:], strict=True):
        assert 40 <= after - before < 60_000
    assert second.boot >= second.awake > 0
    seen = update_clocks(None, first, 60.0)
    assert update_clocks(seen, second, 60.0) is seen
