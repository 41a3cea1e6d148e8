"""Messages: what sending and receiving one costs, how soon a waiter is woken, and how many get through."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from git_agent.store.store import Store
from tests.bench import crew, peers
from tests.bench.correspondents import bare, exchange
from tests.bench.measure import Work, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared
from tests.bench.stage import Stage

_PAIRS = 8
_I = (("I", 1.0),)
SEND, RECEIVE = Row("send a message", Goal(1.1, _I)), Row("receive a message", Goal(1.1, _I))
WAKE = Row("wake-up of inbox --wait", Goal(10, unit="ms"))
LATER = Row("wake-up of inbox --wait after 10 s", Goal(10, unit="ms"))
IDLE = {
    "inbox": Row("processor time of an idle inbox --wait", Goal(0.05, unit="%")),
    "watch": Row("processor time of an idle watch", Goal(0.05, unit="%")),
}
WAKES = Row("wake-ups of an idle watch", Goal(2, unit="a second"))
THROUGH = Row("messages against bare transactions", Goal(0.5, (("bare", 1.0),), at_least=True))


def one(stage: Stage) -> Iterator[Result]:
    """One worker sends, another one reads its inbox."""
    repository, plain = stage.repository("mail"), stage.plain("theirs")
    stage.run("git", "config", "agent.messageRate", "0", cwd=repository)
    sender, receiver = crew.hire(stage, repository, 2)
    theirs = peers.correspondence(stage, plain)
    send = {OURS: stage.work("git-agent", "send", "2", "Please rebase", cwd=sender)}
    send |= {name: runs[0] for name, runs in theirs.items()}
    receive = {OURS: stage.work("git-agent", "inbox", cwd=receiver)}
    receive |= {name: runs[1] for name, runs in theirs.items()}

    def each(works: Mapping[str, Work]) -> Work:
        return lambda number: [work(number) for work in works.values()]

    for row, works, after in ((SEND, send, each(receive)), (RECEIVE, receive, each(send))):
        after(0)
        costs = in_turns({**works, "I": stage.imports()}, rounds=stage.rounds(11), after=after)
        yield compared(row, costs, peers=tuple(theirs))


def waking(stage: Stage) -> Iterator[Result]:
    """How long after its commit a message is printed by `inbox --wait`, soon and after a long wait."""
    repository = stage.repository("waking")
    (tree,) = crew.hire(stage, repository, 1)
    few = [0.5 + 0.13 * number for number in range(9)]
    few = few[: stage.rounds(9)]
    yield absolute(WAKE, _wakes(stage, repository, tree, few), "ms", peer=_best_waiter(stage, few[:3]))
    yield absolute(LATER, _wakes(stage, repository, tree, [stage.size(10, 1)]), "ms")


def _wakes(stage: Stage, repository: Path, tree: Path, pauses: Sequence[float]) -> list[float]:
    from git_agent.domain.message import Draft

    store, waits = Store.open(str(repository / ".git" / "git-agent"), create=False), list[float]()
    sent = list[int]()

    def send() -> None:
        with store.transaction():
            sent.extend(store.messages.send([Draft("1", "wake up", 1)], "@human", verified=True))

    for pause in pauses:
        waits.append(_woken(stage, tree, ["git-agent", "inbox", "--wait"], send, pause))
        stage.run("git-agent", "ack", str(sent[-1]), cwd=tree)
    store.close()
    return waits


def _woken(stage: Stage, cwd: Path, command: Sequence[str], send: Callable[[], object], pause: float) -> float:
    """Return how many ms after the end of `send` a waiter prints the message."""
    waiting = _started(stage, cwd, command)
    time.sleep(1.0 + pause)
    send()
    began = time.perf_counter()
    assert waiting.stdout is not None
    while (said := waiting.stdout.readline()) and not said.strip():
        pass
    assert said, f"{command}: no message"
    waited = (time.perf_counter() - began) * 1000
    waiting.communicate()
    return waited


def _best_waiter(stage: Stage, pauses: Sequence[float]) -> str:
    """Return the peer whose waiter prints a message soonest after the command that sends it was started."""
    plain = stage.plain("theirs")
    calls, found = peers.correspondence(stage, plain), list[tuple[float, str]]()
    for name, words in peers.WAITERS.items():
        if name in calls:
            taken = list[float]()
            send = calls[name][0]

            def timed(send: Work = send, taken: list[float] = taken) -> None:
                began = time.perf_counter()
                send(0)
                taken.append((time.perf_counter() - began) * 1000)

            command = [str(stage.peers[name]), *words]
            waits = [_woken(stage, plain, command, timed, pause) for pause in pauses]
            found.append((statistics.median(map(float.__add__, waits, taken)), name))
    return f"{min(found)[1]} {min(found)[0]:.1f} ms" if found else ""


def idle(stage: Stage) -> Iterator[Result]:
    """What waits while nothing happens, beside 24 workers."""
    repository, seconds = stage.repository("idle"), stage.size(20, 2)
    trees = crew.hire(stage, repository, stage.size(24, 2))
    waiting = {"inbox": _start(stage, trees[0], "inbox", "--wait"), "watch": _start(stage, repository, "watch")}
    time.sleep(3.0)  # until both wait
    before = {name: _seen(process.pid) for name, process in waiting.items()}
    time.sleep(seconds)
    after = {name: _seen(process.pid) for name, process in waiting.items()}
    for process in waiting.values():
        process.terminate()
        process.communicate()
    for name, row in IDLE.items():
        yield absolute(row, [100 * (after[name][0] - before[name][0]) / seconds], "%")
    yield absolute(WAKES, [(after["watch"][1] - before["watch"][1]) / seconds], "a second")


def _start(stage: Stage, cwd: Path, *words: str) -> subprocess.Popen[bytes]:
    return _started(stage, cwd, ["git-agent", *words])


def _started(stage: Stage, cwd: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    silent = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=cwd, env=stage.env, stdout=subprocess.PIPE, stderr=silent)


def _seen(pid: int) -> tuple[float, int]:
    """Return the processor time of a process in seconds, and how often it or one of its threads woke up."""
    nanoseconds, wakes = 0, 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((thread / "schedstat").read_text().split()[0])
        wakes += int((thread / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return nanoseconds / 1e9, wakes


def throughput(stage: Stage) -> Iterator[Result]:
    """8 senders and 8 receivers, 2,400 messages, against bare transactions with the same rows."""
    empty, each = stage.repository("empty"), stage.size(300, 25)
    ratios, rates, faults = list[float](), list[tuple[float, float]](), 0
    for _ in range(stage.rounds(3)):
        # On a disk: each message is synced (FULL), and in memory that costs nothing.
        with tempfile.TemporaryDirectory(prefix="git-agent-bench-") as scratch:
            repository, copy = Path(scratch, "repository"), Path(scratch, "bare.db")
            shutil.copytree(empty, repository)
            stage.run("git", "config", "agent.messageRate", "0", cwd=repository)
            ours = exchange(repository, _PAIRS, each)
            faults += ours.lost + ours.again + ours.disordered + len(ours.errors)
            shutil.copy(empty / ".git/git-agent/agent.db", copy)
            theirs = bare(copy, _PAIRS, each, ours.transactions)
        ratios.append(theirs / ours.seconds)
        rates.append((_PAIRS * each / ours.seconds, _PAIRS * each / theirs))
    mine, others = (statistics.median(rate) for rate in zip(*rates, strict=True))
    note = f"{faults} lost, repeated or out of order"
    found = absolute(THROUGH, ratios, "x", limit=f"bare {others:.0f} a second", note=note)
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    yield found._replace(ours=f"{mine:.0f} a second", ratio=ratio, met=bool(found.met) and not faults)


BENCHMARKS = {
    "mail": Benchmark((SEND, RECEIVE), one),
    "wake": Benchmark((WAKE, LATER), waking),
    "idle": Benchmark((*IDLE.values(), WAKES), idle),
    "messages": Benchmark((THROUGH,), throughput),
}
