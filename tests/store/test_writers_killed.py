"""Writers killed in the middle of their work: the store stays whole, and no change that was acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.children import answer

KILLS, FEW = 1000, 60

# Each writer makes changes of two rows and two events, and says after each commit how many there are. Sometimes all are
# killed at once, so that whoever opens the store next finds a WAL and no index of it.
WRITERS = """
import random

directory, wanted, acks = sys.argv[1], int(sys.argv[2]), sys.argv[3]
chance = random.Random(wanted)

def write(number):
    store = Store.open(directory, create=False)
    store._database.rows("PRAGMA wal_autocheckpoint = 40")  # checkpoints are killed, too
    said = os.open(f"{acks}/{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    cancel = after(State.OPEN, None, Step.CANCEL)
    made = 0
    while True:
        with store.transaction():
            task = add(store, f"w{number}-{made}", body="x" * 3000)
            store.tasks.move(task, cancel, "Ada")
        made += 1
        os.write(said, b"%d\\n" % made)

def begin(number):
    pid = os.fork()
    if pid == 0:
        try:
            write(number)
        except BaseException:
            with open(f"{acks}/errors", "a") as file:
                file.write(traceback.format_exc())
        os._exit(1)
    return pid

def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

def works(number):
    # It has said that it made a change, and is at the next one.
    path = f"{acks}/{number}"
    return os.path.exists(path) and os.path.getsize(path) > 0

begun = killed = 0
running = {}
while killed < wanted:
    while len(running) < 4:
        running[begun] = begin(begun)
        begun += 1
    time.sleep(chance.uniform(0.0, 0.01))
    at_work = [number for number in running if works(number)]
    all_ = len(at_work) == len(running) and chance.random() < 0.3
    for number in at_work if all_ else chance.sample(at_work, min(len(at_work), 1)):
        end(running.pop(number))
        killed += 1
for pid in running.values():
    end(pid)

store = Store.open(directory, create=False)
ask = lambda sql: [list(row) for row in store._database.rows(sql)]
said = [[name, len(open(f"{acks}/{name}").read().split())] for name in os.listdir(acks) if name != "errors"]
say(json.dumps({
    "killed": killed,
    "integrity": ask("PRAGMA integrity_check"),
    "foreign": ask("PRAGMA foreign_key_check"),
    "acked": said,
    "tasks": ask("SELECT name, state, version FROM task ORDER BY id"),
    "events": ask("SELECT task.name, count(*) FROM task JOIN event ON event.task = task.id GROUP BY task.id"),
    "errors": open(f"{acks}/errors").read() if os.path.exists(f"{acks}/errors") else "",
}))
"""


@pytest.mark.timeout(600)
def test_killed_writers_corrupt_nothing_and_lose_nothing_that_they_acknowledged(
    tmp_path: Path, every_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.store.children.TIMEOUT", 500)
    directory, acks = tmp_path / "git-agent", tmp_path / "acks"
    acks.mkdir()
    answer("Store.open(sys.argv[1], create=True).close(); say('0')", directory)
    found = answer(WRITERS, directory, KILLS if every_step else FEW, acks)
    assert found["errors"] == "" and found["killed"] >= (KILLS if every_step else FEW)
    assert (found["integrity"], found["foreign"]) == ([["ok"]], [])
    made: dict[str, list[int]] = {}
    for name, state, version in found["tasks"]:
        writer, _, number = name.removeprefix("w").partition("-")
        made.setdefault(writer, []).append(int(number))
        assert (state, version) == ("CANCELLED", 1), name
    acked = dict(found["acked"])
    assert sum(acked.values()) >= found["killed"]
    for writer, numbers in made.items():
        assert numbers == list(range(len(numbers))), writer  # in order, without a gap
        assert len(numbers) - acked.get(writer, 0) in (0, 1), writer  # one may be committed and not yet said
    assert acked.keys() - made.keys() <= {writer for writer, count in acked.items() if count == 0}
    assert len({count for _, count in found["events"]}) == 1  # each change with all of its events
