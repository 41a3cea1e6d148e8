"""The workers of the demo: each turn is a small shell script that stands in for a coding agent."""

from __future__ import annotations

from collections.abc import Mapping

_HEAD = """\
#!/bin/sh
# One turn of worker @. It runs in the worktree of its task and knows only what git agent says.
set -eu
run() {
    printf '$ %s\\n' "$1"
    eval "$1"
}

run 'git agent start'
"""
_ADA_1 = """\
run 'cp ../../workers/list.py commands/'
run 'git agent heartbeat -m "list takes a word; reading it over"'
sleep 1
run 'git commit --quiet --all -m "Search while listing"'
run 'git agent done -m "list takes a word to look for"'
"""
_ADA_2 = """\
run 'git agent log | grep "from @human"'
run "sed 's/if word in line/if word.lower() in line.lower()/' commands/list.py >new && mv new commands/list.py"
run 'git commit --quiet --all -m "Ignore case in a search"'
run 'git agent done -m "it ignores case now"'
"""
_COMMAND = """\
run 'cp ../../workers/@.py commands/'
run "sed 's/\\"add\\"/&, \\"@\\"/' shelf.py >new && mv new shelf.py"
run 'git agent heartbeat -m "the command is written, testing it next"'
sleep 1
run 'python3 test_shelf.py'
run 'git add --all && git commit --quiet -m "Add the command @"'
run 'git agent done'
"""
_CLEO_2 = """\
run 'git rebase --quiet main' || true
echo "# take main's version, and add our own command again"
run 'git checkout --quiet --ours shelf.py'
run "sed 's/\\"count\\"/&, \\"last\\"/' shelf.py >new && mv new shelf.py"
run 'python3 test_shelf.py'
run 'git add shelf.py && git rebase --continue'
run 'git agent done -m "rebased onto main"'
"""


_SEARCH = '''\
"""List the books, or those that have a word in them."""


def run(books, word=""):
    for line in sorted(books.read_text().splitlines()):
        if word in line:
            print(line)
'''
_COUNT = '''\
"""Count the books."""


def run(books):
    print(len(books.read_text().splitlines()))
'''
_LAST = '''\
"""Show the book added last."""


def run(books):
    print(books.read_text().splitlines()[-1])
'''


def demo_workers() -> Mapping[str, str]:
    """Return the scripts, `<worker>-<turn>.sh`, and the files that they use: texts by name."""
    turns = {
        "ada-1": _ADA_1,
        "ada-2": _ADA_2,
        "ben-1": _COMMAND.replace("@", "count"),
        "cleo-1": _COMMAND.replace("@", "last"),
        "cleo-2": _CLEO_2,
    }
    scripts = {f"{name}.sh": _HEAD.replace("@", name.partition("-")[0]) + text for name, text in turns.items()}
    return {**scripts, "list.py": _SEARCH, "count.py": _COUNT, "last.py": _LAST}
