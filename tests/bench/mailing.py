"""Messages: how many get through against bare transactions, and how soon who waits is woken."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.correspondents import bare, exchange
from tests.bench.stage import Stage

PAIRS, EACH, ROUNDS = 8, 1250, 3
SHARE = 0.5
WAKE_MS = 100.0
IDLE_S = 30.0


def throughput(stage: Stage) -> Iterator[str]:
    """8 senders and 8 receivers, 10,000 messages; the ratio is the median of three rounds."""
    empty = stage.repository("empty")
    ratios, rates, faults = [], [], []
    for _ in range(ROUNDS):
        # On a disk: each message is synced (FULL), and in memory that costs nothing.
        with tempfile.TemporaryDirectory(prefix="git-agent-bench-") as scratch:
            repository, copy = Path(scratch, "repository"), Path(scratch, "bare.db")
            shutil.copytree(empty, repository)
            stage.run("git", "config", "agent.messageRate", "0", cwd=repository)
            ours = exchange(repository, PAIRS, EACH)
            faults += [ours.lost, ours.again, ours.disordered, len(ours.errors)]
            shutil.copy(empty / ".git/git-agent/agent.db", copy)
            theirs = bare(copy, PAIRS, EACH, ours.transactions)
        ratios.append(theirs / ours.seconds)
        rates.append((PAIRS * EACH / ours.seconds, PAIRS * EACH / theirs))
        yield from ours.errors
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= SHARE and not any(faults) else "NOT MET"
    spread = f"{ratio:6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
    mine, others = (statistics.median(rate) for rate in zip(*rates, strict=True))
    yield (
        f"{'messages / bare transactions':<34}{spread:<26}{f'target {SHARE:.2f}  {verdict}':<22}"
        f"  {mine:.0f} a second against {others:.0f}; {sum(faults)} lost, repeated or out of order"
    )


def waking(stage: Stage) -> Iterator[str]:
    """How long after its commit a message is printed by `inbox --wait`, and what the waiting costs."""
    repository = stage.repository("waking")
    tree = Path(json.loads(stage.run("git-agent", "spawn", "--json", "One", cwd=repository))["task"]["worktree"])
    from git_agent.domain.message import Draft
    from git_agent.store.store import Store

    store = Store.open(str(repository / ".git" / "git-agent"), create=False)
    for name, pauses in (("", [0.5 + 0.13 * n for n in range(9)]), (f" after {IDLE_S:g} s", [IDLE_S] * 2)):
        waits, idle = [], []
        for pause in pauses:
            waiting = subprocess.Popen(
                ["git-agent", "inbox", "--wait", "--json"], cwd=tree, env=stage.env, stdout=subprocess.PIPE
            )
            time.sleep(1.0)
            before = _cpu_s(waiting.pid)
            time.sleep(pause)
            idle.append((_cpu_s(waiting.pid) - before) / pause)
            with store.transaction():
                (sent,) = store.messages.send([Draft("1", "wake up", 1)], "@human", verified=True)
            began = time.perf_counter()
            assert waiting.stdout is not None
            waiting.stdout.readline()
            waits.append((time.perf_counter() - began) * 1000)
            waiting.communicate()
            stage.run("git-agent", "ack", str(sent), cwd=tree)
        wait = statistics.median(waits)
        verdict = "met" if wait <= WAKE_MS else "NOT MET"
        spread = f"{wait:6.1f} ms  (at most {max(waits):.1f})"
        yield (
            f"{f'inbox --wait is woken{name}':<34}{spread:<26}{f'target {WAKE_MS:.0f} ms  {verdict}':<22}"
            f"  idle: {100 * statistics.mean(idle):.2f} % of a processor"
        )
    store.close()


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


BENCHMARKS = {"messages": throughput, "waking": waking}
