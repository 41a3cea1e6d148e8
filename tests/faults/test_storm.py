"""A storm of commands that are killed, ended and stopped at random: afterwards everything is as it must be."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.storm import Storm, tidy
from tests.faults.whole import found, rows, wrong
from tests.hooks.crowd import eventually, processes
from tests.sandbox import Sandbox

ENDS = {0, 1, 2, 3, 4, 5, 6, 130, 143, -9, -15}
# What a worker has not committed, and what happens again to a task that is begun again.
MAY_BE = ("shows ??", "shows  M", "shows M", "shows A", "shows D", "shows  D", ": twice ")


def history(box: Sandbox) -> list[str]:
    """Name what is wrong with the tasks' histories: each change stands on the one before, and the task on the last."""
    lines = []
    changes = rows(box, "select * from event where version is not null order by task, seq")
    epochs = {(a["task"], a["number"]): a["epoch"] for a in rows(box, "select * from attempt")}
    for task in rows(box, "select * from task"):
        mine = [e for e in changes if e["task"] == task["id"]]
        for before, event in zip([None, *mine], mine, strict=False):
            name = f"task {task['id']}, {event['kind']} (event {event['seq']})"
            old = (before["version"], before["target"], before["epoch"]) if before else None
            if old and event["version"] != old[0] + 1:
                lines.append(f"{name}: version {event['version']} after {old[0]}")
            if old and event["source"] != old[1]:
                lines.append(f"{name}: from {event['source']}, but it was {old[1]}")
            if old and event["epoch"] not in (old[2], old[2] + 1):
                lines.append(f"{name}: epoch {event['epoch']} after {old[2]}")
            lines += _superseded(name, event, old[2] if old else 0, epochs)
        last = mine[-1] if mine else None
        if last and (last["target"], last["version"], last["epoch"]) != (task["state"], task["version"], task["epoch"]):
            lines.append(f"task {task['id']}: {dict(task)} is not what came of {dict(last)}")
    return lines


def _superseded(name: str, event: dict[str, object], epoch: int, epochs: dict[tuple[object, int], int]) -> list[str]:
    """A worker says its attempt: it may change nothing once its epoch is over."""
    actor = str(event["actor"])
    if not actor.startswith(f"worker {event['task']}."):
        return []
    own = epochs.get((event["task"], int(actor.rpartition(".")[2])))
    return [] if own == epoch else [f"{name}: by {actor} of epoch {own} while the epoch was {epoch}"]


def reachable(box: Sandbox) -> set[str]:
    return set(box.git("rev-list", "--all").split())


def sound(box: Sandbox) -> list[str]:
    said = rows(box, "pragma integrity_check") + rows(box, "pragma foreign_key_check")
    return [] if said == [{"integrity_check": "ok"}] else [f"store: {said}"]


def badly_ended(storm: Storm) -> list[str]:
    lines = [str(r) for r in storm.results if r.code not in ENDS or "Traceback" in r.err + r.out]
    told = [r for r in storm.results if r.code == 1 and not r.command.startswith("run ")]  # what ran has its say first
    return lines + [str(r) for r in told if not any(line.startswith("error: ") for line in r.err.splitlines())]


@pytest.mark.rest
@pytest.mark.timeout(300)
def test_after_a_storm_nothing_is_lost_and_everything_agrees(
    repo: Sandbox, every_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("STORM_SEED") or int.from_bytes(os.urandom(4)))
    actors, seconds = (32, 60.0) if every_step else (10, 7.0)
    if every_step:
        monkeypatch.delenv("GIT_AGENT_HOOKS")  # what hooks start in the background is part of it
    forge = repo.path.parent / "forge.git"
    repo.git("init", "--quiet", "--bare", str(forge))
    repo.git("remote", "add", "origin", str(forge))
    repo.git("config", "agent.beat", "0.5s")
    repo.agent("init")
    for number in range(4):
        repo.agent("spawn", f"Begin {number}")
    storm = Storm(repo, seed)
    storm.rage(actors, seconds)
    assert storm.errors == [], seed
    root = Path(os.path.realpath(repo.path.parent))
    eventually(lambda: not processes(root), lambda: processes(root), within=60.0)
    tidy(repo, 0)
    repo.agent("sync")
    repo.agent("list")
    amiss = [line for line in wrong(repo) if not any(word in line for word in MAY_BE)]
    amiss += [*sound(repo), *history(repo), *found(repo), *badly_ended(storm)]
    amiss += [f"lost commit {oid}" for oid in storm.all_commits() - reachable(repo)]
    told = Counter(r.code for r in storm.results)
    counts = Counter(row["state"] for row in rows(repo, "select state from task"))
    print(
        json.dumps({"seed": seed, "ended": told, "struck": storm.struck, "tasks": counts}, sort_keys=True, default=str)
    )
    print(f"{len(storm.all_commits())} commits, {len(storm.results)} commands")
    assert not amiss, "\n".join([f"STORM_SEED={seed}", *amiss])
    assert storm.all_commits() and storm.struck and told[0]
