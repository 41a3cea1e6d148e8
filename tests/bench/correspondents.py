"""Processes that send and receive, all at once: by git agent's own actions, and by bare transactions beside them."""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_agent.actions.messages.inbox import ack, inbox
from git_agent.actions.messages.send import send
from git_agent.app import App
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State
from git_agent.store.sql import NOW
from git_agent.store.sqlite import Database
from git_agent.store.store import Store

TEXT = "the parser takes empty lines now; please look at 3f9c2a1 before you go on with the printer"
LIMIT_S = 60.0
INSERT = (
    "INSERT INTO message (sender, task, urgent, needs_ack, body, verified, sent_at)"
    f" VALUES (?, ?, 0, 0, ?, 1, {NOW}) RETURNING id"
)
UPDATE = f"UPDATE delivery SET state = 'acked', acked_at = {NOW} WHERE recipient = ? AND message IN"
Work = Callable[[], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What happened. seconds: from the start of all processes to the end of the last; transactions: of each receiver;
    lost: sent and never delivered; again: delivered after the acknowledgement; disordered: not in the order sent.
    """

    seconds: float
    transactions: tuple[int, ...]
    lost: int
    again: int
    disordered: int
    errors: tuple[str, ...]


def exchange(repository: Path, pairs: int, each: int) -> Exchange:
    """Let so many senders send `each` messages to as many receivers, in turns, through git agent's actions.

    The repository has a store without tasks. Every process is a worker with a token of its own.
    """
    _workers(repository, pairs)
    senders = [lambda n=n: _sender(repository, n, pairs, each) for n in range(pairs)]
    receivers = [lambda n=n: _receiver(repository, pairs + n, each) for n in range(pairs)]
    seconds, told = at_once([*senders, *receivers])
    errors = tuple(text for text in told if isinstance(text, str))
    found = [answer for answer in told[pairs:] if not isinstance(answer, str)]
    return Exchange(
        seconds,
        tuple(answer["transactions"] for answer in found),
        sum(each - answer["delivered"] for answer in found),
        sum(answer["again"] for answer in found),
        sum(answer["disordered"] for answer in found),
        errors,
    )


def _workers(repository: Path, pairs: int) -> None:
    store = Store.open(str(repository / ".git" / "git-agent"), create=False)
    with store.transaction():
        for at in range(2 * pairs):
            name, branch = f"worker-{at}", f"agent/worker-{at}"
            values = {"name": name, "name_key": name, "title": name, "priority": 2, "base": "main", "branch": branch}
            task = store.tasks.insert({**values, "attempt": 1, "epoch": 1}, State.WORKING)
            store.sessions.begin(
                task=task.id,
                attempt=1,
                epoch=1,
                owner=ProcessId("here", "boot", 1, 1),
                token=hashlib.sha256(_token(at).encode()).hexdigest(),
                agent=None,
                command="x",
                lease_s=120,
            )
    store.close()


def _token(worker: int) -> str:
    return f"secret of worker {worker}"


def _app(repository: Path, worker: int) -> App:
    """Open everything that is opened once: what is measured is sending and receiving."""
    os.chdir(repository)
    app = App(env={"GIT_AGENT_TOKEN": _token(worker)})
    _ = app.config, app.speaker
    return app


def _sender(repository: Path, worker: int, pairs: int, each: int) -> Work:
    app = _app(repository, worker)

    def work() -> dict[str, int]:
        for number in range(each):
            receiver = pairs + 1 + (worker + number) % pairs
            send(app, [str(receiver)], f"{worker} {number} {TEXT}")
        return {}

    return work


def _receiver(repository: Path, worker: int, wanted: int) -> Work:
    app = _app(repository, worker)

    def work() -> dict[str, int]:
        acked, last, again, disordered, transactions = set[int](), dict[str, int](), 0, 0, 0
        while len(acked) < wanted:
            found = inbox(app, wait=True, timeout_s=LIMIT_S)
            for message in found.messages:
                number = int(message.body.split()[1])
                again += message.id in acked
                disordered += number <= last.get(message.sender, -1)
                last[message.sender] = number
            ack(app, [message.id for message in found.messages])
            acked |= {message.id for message in found.messages}
            transactions += 1
        return {"delivered": len(acked), "again": again, "disordered": disordered, "transactions": transactions}

    return work


def bare(path: Path, pairs: int, each: int, transactions: Sequence[int]) -> float:
    """Write the same rows in as many transactions, with what drives the database alone; return the seconds it took.

    path: a fresh copy of a store; transactions: how many each receiver makes, of rows that are there before.
    """
    at_hand = open_database(path)
    with at_hand.transaction():
        for number in range(pairs * each):
            _insert(at_hand, "1", str(pairs + 1 + number % pairs), f"0 {number} {TEXT}")
    at_hand.close()
    senders = [lambda n=n: _writer(path, n, pairs, each) for n in range(pairs)]
    receivers = [lambda n=n: _settler(path, n, pairs, each, transactions[n]) for n in range(pairs)]
    seconds, told = at_once([*senders, *receivers])
    assert all(answer == {} for answer in told), told
    return seconds


def open_database(path: Path) -> Database:
    """Open a store with its own driver, busy handler and sync setting, and nothing above them."""
    database = Database(str(path))
    database.connect()
    return database


def _insert(database: Database, sender: str, to: str, body: str) -> None:
    ((key,),) = database.rows(INSERT, (sender, int(to), body))
    database.rows("INSERT INTO delivery (message, recipient, state) VALUES (?, ?, 'new')", (key, to))


def _writer(path: Path, worker: int, pairs: int, each: int) -> Work:
    database = open_database(path)

    def work() -> dict[str, int]:
        for number in range(each):
            receiver = pairs + 1 + (worker + number) % pairs
            with database.transaction():
                _insert(database, str(worker + 1), str(receiver), f"{worker} {number} {TEXT}")
        return {}

    return work


def _settler(path: Path, worker: int, pairs: int, each: int, transactions: int) -> Work:
    database, recipient = open_database(path), str(pairs + 1 + worker)
    mine = [pairs * number + worker + 1 for number in range(each)]

    def work() -> dict[str, int]:
        for step in range(transactions):
            some = mine[step * each // transactions : (step + 1) * each // transactions]
            with database.transaction():
                database.rows(f"{UPDATE} ({', '.join('?' * len(some))})", (recipient, *some))
        return {}

    return work


def at_once(preparations: Sequence[Callable[[], Work]]) -> tuple[float, list[dict[str, int] | str]]:
    """Prepare each work in a process of its own, then let all begin; return the seconds and what each answered.

    One that raises answers with its traceback.
    """
    ready, go = os.pipe(), os.pipe()
    answers = [_fork(prepare, ready, go) for prepare in preparations]
    for _ in preparations:
        os.read(ready[0], 1)
    began = time.perf_counter()
    os.close(go[1])
    told = []
    for answer in answers:
        with open(answer) as file:
            told.append(json.loads(file.read()))
    seconds = time.perf_counter() - began
    for _ in preparations:
        os.wait()
    for end in (go[0], *ready):
        os.close(end)
    return seconds, told


def _fork(prepare: Callable[[], Work], ready: tuple[int, int], go: tuple[int, int]) -> int:
    answer = os.pipe()
    if os.fork() == 0:
        os.close(go[1])
        try:
            work = prepare()
            os.write(ready[1], b"r")
            os.read(go[0], 1)  # until the parent closes its end
            text = json.dumps(work())
        except BaseException:
            os.write(ready[1], b"r")
            text = json.dumps(traceback.format_exc())
        os.write(answer[1], text.encode())
        os._exit(0)
    os.close(answer[1])
    return answer[0]
