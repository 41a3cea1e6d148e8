"""The benchmarks work, name what they measured, and are documented. What they measure is not tested: times differ."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.bench import document, peers
from tests.bench.measure import Cost, Costs, differences, in_turns, spread
from tests.bench.registry import BENCHMARKS, all_rows
from tests.bench.rows import OURS, Goal, Row, absolute, compared, line
from tests.bench.stage import sealed

ROOT = Path(__file__).parents[2]
_GIT_I = Goal(1.3, (("git", 1.0), ("I", 1.0)))


def _bench(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tests.bench", *args], cwd=ROOT, capture_output=True, text=True)


def _costs(**ms: list[float]) -> Costs:
    return {name: [Cost(each / 1000, each / 2000) for each in taken] for name, taken in ms.items()}


@pytest.mark.rest
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_prints_its_rows_in_order(name: str) -> None:
    done = _bench("--quick", name)
    assert done.returncode == 0, done.stderr
    wanted = [row.name for row in BENCHMARKS[name].rows]
    printed = done.stdout.splitlines()[1:-1]
    assert [row for row, text in zip(wanted, printed, strict=True) if text.startswith(f"{row} ")] == wanted


def test_every_row_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(row.name for row in all_rows()).items() if count > 1] == []


def test_the_document_names_every_row_and_no_other() -> None:
    table = re.findall(r"(?m)^\| (.*?) \|", document.PATH.read_text())
    assert table[2:] == [row.name for row in all_rows()]


def test_the_document_says_on_which_machine_and_what_was_left_out() -> None:
    found = peers.Found({"hcom": Path("hcom")}, {"hcom": "1.2"}, {"agent-bus": "no such package"})
    result = compared(Row("create", _GIT_I), _costs(ours=[30], git=[10], I=[20], hcom=[5]), peers=["hcom"])
    page = document.document([result.row, Row("remove")], [result], found)
    assert (
        "| create | git 10.0 ms, I 20.0 ms | hcom 5.00 ms | 30.0 ms | 1.00 (1.00 to 1.00) | <= 1.3 x (git + I) | met |"
        in page
    )
    assert "| remove |  |  |  |  |  | not measured |" in page
    assert "Peers: hcom 1.2.\nNot measured: agent-bus (no such package).\n" in page
    assert re.search(
        r"Measured on \d{4}-\d\d-\d\d: \d+ cores? \(.+\), \d+ GiB of memory, .*, git 2\..*, Python 3\.", page
    )


def test_contenders_run_in_another_order_in_each_round_and_warm_up_does_not_count() -> None:
    ran: list[str] = []
    works = {name: lambda number, name=name: ran.append(f"{name}{number}") for name in "abc"}
    costs = in_turns(works, rounds=3, warm_up=1, after=lambda number: ran.append("|"))
    assert "".join(ran) == "a0b0c0|b1c1a1|c2a2b2|a3b3c3|"
    assert {name: len(taken) for name, taken in costs.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_row_compares_the_runs_of_each_round_and_not_the_medians() -> None:
    costs = _costs(ours=[10, 100, 30], git=[5, 50, 60], I=[5, 50, 60])
    result = compared(Row("create", _GIT_I), costs)
    assert (result.ratio, result.met) == ("1.00 (0.62 to 1.00)", True)
    assert differences(costs, OURS, "git", share=5) == pytest.approx([1, 10, -6])


@pytest.mark.parametrize(("ms", "met"), [(1300, True), (1304, True), (1306, False)])
def test_a_goal_is_judged_by_the_ratio_that_is_printed(ms: float, met: bool) -> None:
    result = compared(Row("create", _GIT_I), _costs(ours=[ms], git=[500], I=[500]))
    assert result.met is met
    assert line(result).endswith("  met" if met else "NOT MET")


def test_a_goal_can_ask_for_at_least_or_be_a_number() -> None:
    assert absolute(Row("rate", Goal(0.5, (("bare", 1.0),), at_least=True)), [0.4], "x").met is False
    assert absolute(Row("wake", Goal(10, unit="ms")), [9, 10, 11], "ms").met is True
    assert absolute(Row("started"), [9], "s").met is None
    assert [str(goal) for goal in (Goal(10, unit="ms"), Goal(1.5, (("I", 12.0),)), _GIT_I)] == [
        "<= 10 ms",
        "<= 1.5 x 12 I",
        "<= 1.3 x (git + I)",
    ]


def test_the_spread_of_one_number_is_that_number() -> None:
    assert spread([3.0]) == (3.0, 3.0, 3.0)


def test_a_peer_is_installed_once_into_its_own_environment_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    _wheel(tmp_path)
    ours, missing = peers.Peer("greet", "greet-peer"), peers.Peer("absent", "absent-peer")
    found = peers.install(tmp_path / "cache", (ours, missing))
    assert found.versions == {"greet": "1.0"}
    assert found.missing == {"absent": "No matching distribution found for absent-peer"}
    assert subprocess.run([found.programs["greet"]], capture_output=True, text=True).stdout == "hello\n"
    (tmp_path / "greet_peer-1.0-py3-none-any.whl").unlink()
    assert peers.install(tmp_path / "cache", (ours,)).programs == found.programs


def test_a_peer_that_is_called_otherwise_today_is_left_out_and_named(tmp_path: Path) -> None:
    for name in ("agentmesh", "worktree-aid"):
        (tmp_path / name).write_text('#!/bin/sh\n[ "$1" != heartbeat ]\n')
        (tmp_path / name).chmod(0o755)
    programs = {name: tmp_path / name for name in ("agentmesh", "worktree-aid")}
    (tmp_path / "stage").mkdir()
    found = peers.usable(sealed(tmp_path / "stage"), peers.Found(programs, {}, {"hcom": "no such package"}))
    assert list(found.programs) == ["worktree-aid"]
    assert found.missing == {
        "hcom": "no such package",
        "agentmesh": "this does not work: agentmesh heartbeat -a ada",
    }


def _wheel(directory: Path) -> None:
    """Make a package with one program, as a registry would have it."""
    files = {
        "greet_peer.py": "def main():\n    print('hello')\n",
        "greet_peer-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greet-peer\nVersion: 1.0\n",
        "greet_peer-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "greet_peer-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greet_peer:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, "greet_peer-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(directory / "greet_peer-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, "greet_peer-1.0.dist-info/RECORD": record}.items():
            wheel.writestr(name, text)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nonsense",), "no benchmark nonsense; there are: create,"),
        (("--doc", "--quick"), "--doc needs"),
        (("--rounds", "1"), "--rounds: at least 2"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(args: tuple[str, ...], says: str) -> None:
    done = _bench(*args)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
