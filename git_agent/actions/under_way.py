"""What a command began in git is ended, whatever stops the command: an error, a full disk, Ctrl-C."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.app import App
from git_agent.errors import AgentError


@contextmanager
def under_way(app: App) -> Iterator[None]:
    """Do work that intents were written for; when it is cut short, finish it or take it back as after a crash.

    Put it around the transaction that writes the intent, too: an interruption may strike right after it. Raises
    AgentError in place of an OSError. What can't be mended now waits for the next command.
    """
    try:
        yield
    except AgentError:
        _mend_mine(app)
        raise
    except BaseException as error:
        _mend_mine(app)
        from git_agent.git import disk, leftovers

        leftovers.sweep(app.repo)  # an interruption may have struck while something was being cleared away
        if isinstance(error, OSError):
            raise disk.failed(error) from error
        raise


def _mend_mine(app: App) -> None:
    if not app.begun:
        return
    from git_agent.actions.mend import mend
    from git_agent.proc import processes
    from git_agent.store import intents

    with contextlib.suppress(AgentError, OSError):
        app.reopen()
        me = processes.myself()
        for intent in intents.pending():
            if intent.id in app.begun and intent.owner == me:
                mend(app, intent)
