"""What tests of the command line share: a repository with tasks in several states, and a pseudo-terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.sandbox import Sandbox


@pytest.fixture(scope="session")
def busy(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Return a repository with tasks that wait, work and ask; tests only look at it."""
    made = Sandbox(Path(shutil.copytree(template, tmp_path_factory.mktemp("busy") / "my repo", symlinks=True)))
    made.agent("spawn", "修复登录页面的超时问题 🔧", "--agent", "克劳德")
    made.agent("spawn", "Write the documentation of the whole command line", "--name", "docs")
    made.agent("add", "Emoji 👩‍💻 and e\u0301 and \x1b[31mred\x1b[0m", "--priority", "0", "--name", "odd")
    made.agent("add", "Release", "--after", "1", "--after", "2")
    made.agent("start", "1")
    made.agent("ask", "Which database?", "--task", "1")
    return made


@pytest.fixture
def terminal(busy: Sandbox) -> Terminal:
    """Return a pseudo-terminal in the busy repository."""
    return Terminal(busy.path)
