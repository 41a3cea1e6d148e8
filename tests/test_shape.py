"""The house rules, as tests: sizes, names, what a verb has to bring along, what start-up may import."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.sandbox import run_at_once

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "git_agent"
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
ACTIONS = [name for name in SOURCES if name.startswith("git_agent/actions/") and not name.endswith("__init__.py")]
FILE_LINES = 300
FILE_LINES_AT_LEAST = 40
ACTION_FILES = 95
ACTION_LINES = range(80, 131)  # where the median of the files is
# Why a file may be long.
LONG: dict[str, str] = {}
# Why a file may be short: what would stand beside its functions is loaded by others, or has nothing to do with them.
_ALONE = "one idea, and no neighbour that shares it"
_LOADED = "loaded by every command, which needs nothing of its neighbours"
_VERB = "a verb that loads nothing else"
SHORT = {
    "git_agent/actions/messages/topics.py": _VERB,
    "git_agent/actions/views/ready.py": _VERB,
    "git_agent/actions/views/sessions.py": _VERB,
    "git_agent/demo/lines.py": _ALONE,
    "git_agent/domain/agent_programs.py": _ALONE,
    "git_agent/domain/durations.py": _ALONE,
    "git_agent/domain/event.py": _ALONE,
    "git_agent/domain/process_id.py": _LOADED,
    "git_agent/domain/spec.py": _ALONE,
    "git_agent/domain/terminal_text.py": _ALONE,
    "git_agent/git/hooks/disabled.py": _LOADED,
    "git_agent/git/hooks/silent.py": _ALONE,
    "git_agent/git/merging/trailers.py": _ALONE,
    "git_agent/git/versions.py": _LOADED,
    "git_agent/integrations/marked_block.py": _ALONE,
    "git_agent/proc/clock.py": _LOADED,
    "git_agent/proc/environment.py": "shared by all that start programs",
    "git_agent/proc/exec.py": _ALONE,
    "git_agent/runtime/background.py": "runs before anything that takes time to import",
    "git_agent/runtime/beating.py": _ALONE,
    "git_agent/runtime/signals.py": _ALONE,
    "git_agent/store/addresses.py": "a noun of the store",
    "git_agent/store/queries/together.py": "names queries of other modules",
}
FUNCTION_STATEMENTS = 30
VAGUE_NAMES = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "handler",
    "handlers",
    "common",
    "misc",
    "base",
}
HEAVY = {"apsw", "asyncio", "importlib.metadata", "peewee", "pygit2", "rich", "sqlite3", "textual", "mcp"}
# Verbs whose whole work is said by the front end, or done by another verb's action.
VERBS_WITHOUT_ACTION: set[str] = {"completion", "demo", "help"}
# Codes of errors that nothing can be advised about: what happened is all there is to say.
ERRORS_WITHOUT_HINT = {"interrupted"}
MAKERS = {
    "AgentError": 3,
    "refused": 3,
    "usage": 3,
}  # the constructors of errors, and how many words they want


@functools.cache
def _trees() -> dict[str, ast.Module]:
    """Parse all, but not in each of the processes that only look which tests there are."""
    return {name: ast.parse(text) for name, text in SOURCES.items()}


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _statements(function: ast.AST) -> int:
    docstring = isinstance(function, ast.FunctionDef) and ast.get_docstring(function) is not None
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1 - docstring


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the dotted text of what is called."""
    return ((ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _verbs() -> dict[str, object]:
    from git_agent.verbs import VERBS

    return dict(VERBS)


def test_no_file_is_longer_than_300_lines_without_a_reason() -> None:
    lengths = {name: len(text.splitlines()) for name, text in SOURCES.items()}
    assert {name for name, lines in lengths.items() if lines > FILE_LINES} == LONG.keys()


def test_no_file_is_shorter_than_40_lines_without_a_reason() -> None:
    lengths = {name: len(text.splitlines()) for name, text in SOURCES.items()}
    short = {
        name for name, lines in lengths.items() if lines < FILE_LINES_AT_LEAST and not name.endswith("__init__.py")
    }
    assert {name for name in short if "/migrations/" not in name} == SHORT.keys()


def test_actions_are_neither_crumbs_nor_lumps() -> None:
    lengths = [len(SOURCES[name].splitlines()) for name in ACTIONS]
    assert len(lengths) <= ACTION_FILES
    assert round(median(lengths)) in ACTION_LINES


def test_a_public_class_means_one_thing_and_a_function_imported_by_its_name_too() -> None:
    classes = Counter(
        node.name
        for name, tree in _trees().items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name[0] != "_" and "/migrations/" not in name
    )
    assert [name for name, count in classes.items() if count > 1] == []
    functions = {name: {f.name for f in tree.body if isinstance(f, ast.FunctionDef)} for name, tree in _trees().items()}
    meanings: dict[str, set[str]] = {}
    for tree in _trees().values():
        for node in (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)):
            module = (node.module or "").replace(".", "/") + ".py"
            for alias in node.names:
                if alias.name in functions.get(module, ()):
                    meanings.setdefault(alias.asname or alias.name, set()).add(f"{module}:{alias.name}")
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def test_no_function_has_more_than_30_statements() -> None:
    sizes = {f"{name}:{f.name}": _statements(f) for name, tree in _trees().items() for f in _functions(tree)}
    assert {name: size for name, size in sizes.items() if size > FUNCTION_STATEMENTS} == {}


def test_every_package_says_what_it_owns() -> None:
    silent = [name for name, tree in _trees().items() if name.endswith("__init__.py") and not ast.get_docstring(tree)]
    assert silent == []


def test_no_module_has_a_vague_name() -> None:
    words = {name: set(Path(name).with_suffix("").as_posix().split("/")) for name in SOURCES}
    assert {name for name, parts in words.items() if parts & VAGUE_NAMES} == set()


@pytest.mark.parametrize("name", ACTIONS)
def test_the_results_of_an_action_are_frozen(name: str) -> None:
    public = [node for node in _trees()[name].body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    words = {node.name: " ".join(map(ast.unparse, [*node.decorator_list, *node.bases])) for node in public}
    thawed = [name for name, text in words.items() if "Record" not in text and "Protocol" not in text]
    assert thawed == []


def test_values_with_named_fields_are_records_which_are_made_fast() -> None:
    # git_agent.context is for programs of others, which know dataclasses.
    slow = re.compile(r"from (?:dataclasses|typing) import [^\n]*\b(?:dataclass|NamedTuple)\b|import dataclasses")
    using = {name for name, text in SOURCES.items() if slow.search(text)}
    assert using == {"git_agent/record.py", "git_agent/context.py"}


def test_patterns_are_compiled_when_they_are_used_and_not_by_every_command() -> None:
    compiled = {name for name, text in SOURCES.items() if re.search(r"^_?[A-Z_]+ = re\.compile", text, re.MULTILINE)}
    loaded_by_few = {"render/glyphs.py", "integrations/marked_block.py", "context.py"}
    assert compiled == {f"git_agent/{name}" for name in loaded_by_few}


def test_no_action_prints() -> None:
    printing = [name for name in ACTIONS for called, _ in _calls(_trees()[name]) if called == "print"]
    assert printing == []


def test_the_command_line_reaches_store_and_git_through_actions_only() -> None:
    # import-linter sees imports; the App hands out both without one.
    reached = re.compile(r"\bapp\.(store|repo)\b")
    assert [name for name in SOURCES if name.startswith("git_agent/cli/") and reached.search(SOURCES[name])] == []


def test_no_program_is_started_through_a_shell_by_accident() -> None:
    banned = re.compile(r"os\.(system|popen|spawn\w+|posix_spawnp?|startfile)|eval|exec")
    found = {
        f"{name}: {called}" for name, tree in _trees().items() for called, _ in _calls(tree) if banned.fullmatch(called)
    }
    shells = {
        name
        for name, tree in _trees().items()
        for _, call in _calls(tree)
        for keyword in call.keywords
        if keyword.arg == "shell" and ast.unparse(keyword.value) != "False"
    }
    assert (found, shells) == (set(), set())


def test_git_runs_in_a_directory_only_where_the_place_was_proved() -> None:
    # `git` and `start_git` find the repository of a directory by themselves: of a directory that a worker may have
    # written, by what the worker wrote. Repo.git_in and Repo.checkout look first; place.py does for them.
    proving = {"git_agent/git/run.py", "git_agent/git/discover.py", "git_agent/git/place.py"}
    calls = [
        (name, called, {keyword.arg for keyword in call.keywords})
        for name, tree in _trees().items()
        for called, call in _calls(tree)
        if name not in proving
    ]
    started = [(name, given) for name, called, given in calls if called in ("git", "start_git")]
    assert {name for name, given in started if "cwd" in given and "git_dir" not in given} == set()
    assert {name for name, called, _ in calls if called == "Checkout"} == {"git_agent/git/repo.py"}


def test_only_the_store_names_the_database_file() -> None:
    # A plain open and close of that file drops SQLite's locks in the process.
    strings = {
        name
        for name, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("agent.db")
    }
    assert {name for name in strings if not name.startswith("git_agent/store/")} == set()


def test_only_the_modules_of_the_engine_speak_its_dialect() -> None:
    # What PostgreSQL would not understand, or understand otherwise; the others run the same text on both.
    engine = {"sqlite", "sqlite_files", "integrity", "changes", "errors", "migrate", "orm", "store"}
    words = (
        "INSERT OR ",
        "changes()",
        "julianday",
        " IS ?",
        "PRAGMA",
        "typeof(",
        "rowid",
        "GLOB",
        "strftime",
        "ifnull(",
    )
    odd = re.compile(
        "|".join([*map(re.escape, words), r"\?\d", r"on_conflict_(?:replace|ignore)", r"\bbind(?:_ctx)?\("])
    )
    nouns = {n: text for n, text in SOURCES.items() if n.startswith("git_agent/store/") and "migrations" not in n}
    assert {
        name: found for name, text in nouns.items() if Path(name).stem not in engine if (found := odd.findall(text))
    } == {}


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["-h"], ["completion", "bash"]], ids=" ".join)
def test_start_up_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys; sys.argv[0] = 'git-agent'\n"
        "from git_agent.cli.main import run\n"
        "try: run()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout, done.stderr
    assert HEAVY & set(done.stderr.splitlines()) == set()


def test_only_doctor_and_what_prints_the_statements_imports_peewee() -> None:
    imports = {name for name, text in SOURCES.items() if re.search(r"import .*\bpeewee\b", text)}
    users = {name for name, text in SOURCES.items() if re.search(r"store\.(orm|schema|queries)\b", text)}
    allowed = {"git_agent/store/orm.py", "git_agent/store/schema.py", "git_agent/store/integrity.py"}
    assert {name for name in imports | users if "/queries/" not in name} == allowed


def test_every_verb_has_a_summary_and_help() -> None:
    verbs = _verbs()
    assert [verb for verb, entry in verbs.items() if not getattr(entry, "summary", "").strip()] == []
    results = run_at_once([("git-agent", verb, "-h") for verb in verbs], cwd=ROOT)
    said = dict(zip(verbs, results, strict=True))
    assert [verb for verb, result in said.items() if result.code or verb not in result.out] == []


def test_every_verb_has_a_public_function_of_its_name_in_actions() -> None:
    functions = [node.name for name in ACTIONS for node in _trees()[name].body if isinstance(node, ast.FunctionDef)]
    wanted = [_identifier(verb) for verb in _verbs().keys() - VERBS_WITHOUT_ACTION]
    assert [verb for verb in wanted if functions.count(verb) > 1] == []
    # `list` and `exec` are Python's own words, and `rescue` has verbs of its own: there a noun stands behind the verb.
    assert [verb for verb in wanted if not any(f == verb or f.startswith(f"{verb}_") for f in functions)] == []


def _identifier(verb: str) -> str:
    return verb.replace("-", "_")


def test_every_verb_stands_in_the_man_page() -> None:
    page = (ROOT / "docs/man/git-agent.1").read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
    assert [verb for verb in _verbs() if not re.search(rf"(?m)^(\.\w+ )*\W*{re.escape(verb)}\b", page)] == []


def test_every_verb_has_a_transcript() -> None:
    transcripts = {path.stem for path in (ROOT / "tests/scenarios").glob("*.txt")}
    assert _verbs().keys() - transcripts == set()


def test_every_configuration_key_is_documented() -> None:
    from git_agent.config import KEYS

    page = (ROOT / "docs/config.md").read_text()
    names = [key if isinstance(key, str) else key.name for key in KEYS]
    assert names and [name for name in names if name not in page] == []


def _errors() -> Iterator[tuple[str, str, str, bool]]:
    """Yield where, code, message (its constant start) and whether it has a hint, for every error made."""
    for name, tree in _trees().items():
        if name == "git_agent/errors.py":
            continue
        for called, call in _calls(tree):
            if called.rpartition(".")[2] in MAKERS:
                words = {str(n): word for n, word in enumerate(call.args)} | {
                    k.arg or "": k.value for k in call.keywords
                }
                code, message = (
                    _constant(words.get(str(n), words.get(key))) for n, key in enumerate(["code", "message"])
                )
                hint = words.get("2", words.get("hint"))
                yield f"{name}:{call.lineno}", code, message, hint is not None and ast.unparse(hint) != "''"


def _constant(node: ast.expr | None) -> str:
    """Return the constant start of a string or f-string, and nothing of what is computed."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def test_every_error_has_a_hint() -> None:
    assert [where for where, code, _, hinted in _errors() if not hinted and code not in ERRORS_WITHOUT_HINT] == []


def test_errors_are_written_as_git_writes_them() -> None:
    # One line, no capital at the start (words such as HEAD aside), no full stop; the code in kebab-case.
    odd = re.compile(r"[A-Z][a-z]|.*[.\n]\Z|.*\n", re.DOTALL)
    assert [where for where, _, message, _ in _errors() if odd.match(message)] == []
    assert [where for where, code, _, _ in _errors() if code and not re.fullmatch(r"[a-z]+(-[a-z]+)*-?", code)] == []


def _project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode == 0:
        return [ROOT / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    found = [path for folder in ("git_agent", "hooks", "tests", "docs") for path in (ROOT / folder).rglob("*")]
    return [path for path in found if path.suffix != ".pyc"]


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    # Where this checkout is and the directories above it (unless as short as /src), and any home but Ada's.
    here = [ROOT, *ROOT.parents[:-2]] if len(ROOT.parts) > 2 else []
    places = [*(re.escape(str(path)) for path in here), "/root", r"/(?:home|Users)/(?!ada\b)\w+"]
    paths = re.compile(rf"(?<![\w.~>}}-])(?:{'|'.join(places)})/".encode())
    files = [path for path in _project_files() if path.is_file() and path != Path(__file__)]
    assert [path.relative_to(ROOT).as_posix() for path in files if paths.search(path.read_bytes())] == []
