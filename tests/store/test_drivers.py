"""peewee imports every database driver that it finds; `git agent` uses one, and imports no other."""

from __future__ import annotations

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

DRIVERS = {"sqlite3", "pysqlite3", "psycopg2cffi", "psycopg2", "psycopg", "pymysql", "MySQLdb"}
USED = {"apsw", "peewee", "playhouse"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a directory of packages, one for each driver; each notes in `imported` that it was imported."""
    site = tmp_path / "site"
    for driver in DRIVERS:
        (site / driver).mkdir(parents=True)
        noted = f"with open({str(site / 'imported')!r}, 'a') as file:\n    file.write('{driver}\\n')\n"
        (site / driver / "__init__.py").write_text(noted)
    return site


def imported(site: Path) -> set[str]:
    return set((site / "imported").read_text().split()) if (site / "imported").exists() else set()


def test_list_imports_no_driver_that_is_installed_and_not_used(repo: Sandbox, site: Path) -> None:
    repo.agent("add", "Fix login")
    path = {"PYTHONPATH": str(site)}
    listed = repo.run("gitagent-python", "list", env=path)  # git-agent keeps PYTHONPATH from itself
    assert (listed.code, listed.err) == (0, "") and "Fix login" in listed.out
    assert imported(site) == set()
    repo.run(sys.executable, "-c", "import peewee", env=path)
    assert {"sqlite3", "psycopg"} <= imported(site), "the packages can be imported"


def test_every_driver_that_peewee_tries_is_among_them() -> None:
    tried = set[str]()
    for module in ("peewee", "playhouse.apsw_ext"):
        spec = find_spec(module)
        assert spec is not None and spec.origin is not None
        for statement in ast.walk(ast.parse(Path(spec.origin).read_text())):
            if isinstance(statement, ast.Import):
                tried |= {name.name.partition(".")[0] for name in statement.names}
            elif isinstance(statement, ast.ImportFrom) and statement.module:
                tried.add(statement.module.partition(".")[0])
    assert tried - (sys.stdlib_module_names - DRIVERS) - USED <= DRIVERS
