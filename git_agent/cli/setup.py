"""Verbs for setting up a repository and the shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from git_agent.app import App
from git_agent.cli.command import Answer, terminal_width, verb
from git_agent.cli.questions import can_ask, confirm, yes_option
from git_agent.errors import refused, usage
from git_agent.render.text import visible


@verb("init", creates=True, looks=False)
@click.option("--no-hooks", is_flag=True, help="Work without hooks; the next command notices changes in git.")
@click.option("--agents-md", is_flag=True, help="Also write instructions for agents into AGENTS.md, between markers.")
def init_verb(app: App, no_hooks: bool, agents_md: bool) -> Answer:
    """Create the store of this repository and install the hooks. Run it again to repair what is missing.

    The store is `git-agent/agent.db` in the common git directory. Otherwise only a line of info/exclude changes, and
    what the hooks need: `git agent hooks` shows the hooks, and `git agent deinit` removes them. Verbs that add tasks
    do the same if it has not been done. With --agents-md, a block of AGENTS.md at the top of the worktree is written
    or updated, for you to commit. Everything outside its markers stays.
    """
    from git_agent.actions.setup.init import init

    done = init(app, hooks=not no_hooks, agents=agents_md)
    word = "created:" if done.made else "already exists:"
    lines = [f"store {word} {done.path}"]
    if done.hooks is not None:
        lines.append("hooks installed" if done.hooks else "hooks already installed")
    if done.agents is not None:
        lines.append(f"{'written' if done.agents.changed else 'up to date'}: {visible(done.agents.path)}")
    payload = {
        "store": done.path,
        "made": done.made,
        "hooks": done.hooks is not None,
        "manual": list(done.manual),
        "agents_md": done.agents and {"path": done.agents.path, "changed": done.agents.changed},
    }
    return Answer(payload, lines, [f"note: {visible(line)}" for line in done.manual])


@verb("deinit", looks=False)
@click.option("--purge", is_flag=True, help="Also remove the store with its tasks, events and messages.")
@yes_option("Answer yes to the question before a store with unfinished tasks is removed.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed, and change nothing.")
def deinit_verb(app: App, purge: bool, yes: bool, dry_run: bool) -> Answer:
    """Remove our hooks and restore yours exactly as they were. Branches and worktrees stay.

    Without --purge, the store stays and every command still works: it checks git by itself.
    """
    from git_agent.actions.setup.init import deinit

    done = deinit(app, purge=purge, sure=yes, dry_run=dry_run, asks=_ask if can_ask(app) else None)
    lines = ["hooks removed" if done.hooks else "no hooks to remove"]
    if dry_run:
        parts = [*(["hooks"] if done.hooks else []), *(["store"] if done.purged else [])]
        lines = [f"would remove: {', '.join(parts)}" if parts else "nothing to remove"]
    elif done.purged:
        lines.append(f"store removed: {app.store_dir}; rescued commits stay: git for-each-ref refs/git-agent")
    payload = {"hooks": list(done.hooks), "manual": list(done.manual), "purged": done.purged}
    return Answer(payload, lines, [f"note: {visible(line)}" for line in done.manual])


def _ask(live: Sequence[str]) -> None:
    if not confirm(
        "Remove the store, and everything known about these tasks, for good?", [f"unfinished: {t}" for t in live]
    ):
        raise refused("not-confirmed", "nothing was removed", "git agent deinit without --purge removes only the hooks")


@verb("doctor", looks=False)
@click.option("--fix", is_flag=True, help="Fix what can be fixed without losing anything.")
def doctor_verb(app: App, fix: bool) -> Answer:
    """Show problems with store, git, tasks, hooks, messages, files and settings, why they matter, and how to fix them.

    Checks every task's events, the branches and worktrees of live tasks, and which processes have the store or git's
    lock files open. Without --fix, nothing changes. With it, each fix checks its problem again before it acts, deletes
    no commit and no changed file, and records an event that `git agent undo` reverts. The exit code is 1 if there are
    problems; with --fix, if any are left.
    """
    from git_agent.actions.doctor.doctor import doctor
    from git_agent.render import doctor as doctor_lines
    from git_agent.render.style import wants_colour

    found = doctor(app, fix=fix)
    lines = doctor_lines.diagnosis_lines(found, colour=wants_colour(sys.stdout.isatty(), os.environ))
    return Answer(doctor_lines.diagnosis_json(found), lines, exit=1 if found.findings else 0)


@verb("hooks", looks=False)
def hooks_verb(app: App) -> Answer:
    """Show which hooks git runs for our events, in this worktree and in a worker's.

    HOW is one of: config (git's own configuration, git 2.54 or newer), own file, block (lines in your hook), chained
    (ours runs yours), workers' (a hooks directory for workers' worktrees only), or none (the next command notices
    changes).
    """
    from git_agent.actions.setup.hooks import hooks
    from git_agent.render.table import Column, table
    from git_agent.render.text import visible

    found = hooks(app)
    columns = (Column("WHERE"), Column("EVENT"), Column("HOW"), Column("YOUR HOOK", stretch=True), Column("NOTE"))
    places = [("here", found.here), ("workers", found.workers or ())]
    rows = [[where, e.event, e.scheme, e.beside or "", e.note] for where, each in places for e in each]
    said = [] if found.wanted else ["git agent uses no hooks here: git agent init installs them"]
    notes = [found.silent] if found.silent else []
    payload = {
        "wanted": found.wanted,
        "worktree": found.place,
        "hooks": [
            {"where": where, "event": e.event, "how": e.scheme, "path": e.path, "beside": e.beside, "note": e.note}
            for where, each in places
            for e in each
        ],
        "notes": notes,
    }
    return Answer(payload, [*table(columns, rows, terminal_width=terminal_width()), *said, *map(visible, notes)])


def _begin_background(ctx: click.Context, param: click.Parameter, given: bool) -> bool:
    """Let go of what a hook's process held, before the store is opened."""
    if given:
        from git_agent.runtime.background import close_inherited_files

        close_inherited_files()
    return given


def _await_push(ctx: click.Context, param: click.Parameter, push: tuple[int, str] | None) -> bool:
    """Wait for a push to end, before the store is opened; return whether there is one."""
    if push is not None:
        from git_agent.runtime.background import wait_for_end

        wait_for_end(*push)
    return push is not None


@verb("sync", looks=False)
@click.option("--background", is_flag=True, hidden=True, is_eager=True, callback=_begin_background)
@click.option("--after", type=(int, str), hidden=True, callback=_await_push)
def sync_verb(app: App, background: bool, after: bool) -> Answer:
    """Reconcile with git: pushes, merges, rebases, moved and removed worktrees.

    Every other command does this first, and hooks do it in the background. Use `sync` to see what is new.
    """
    if background:
        from git_agent.runtime import draining

        draining.look_until_quiet(app, note=after)
        return Answer({"noticed": []})
    from git_agent.actions.reconcile.reconcile import reconcile, take_notices

    seen = reconcile(app, remotes=True, typed=True).lines
    lines = [*take_notices(app), *seen]
    return Answer({"noticed": list(lines)}, [visible(line) for line in lines] or ["nothing new"])


@verb("config", looks=False)
@click.option("--agents", is_flag=True, help="Show the command of each agent, and where its program is.")
def config_verb(app: App, agents: bool) -> Answer:
    """Show every agent.* key with its value, its origin and its meaning.

    The keys are part of git's configuration: set them with `git config agent.KEY VALUE`. A committed `.gitagent` file
    sets them for a team; its keys that name commands apply only after `git agent trust`.
    """
    from git_agent.actions.setup.config import config
    from git_agent.render.table import Column, table

    if agents:
        return _agents(app)
    found = config(app)
    columns = (Column("KEY"), Column("VALUE"), Column("ORIGIN"), Column("MEANING", stretch=True))
    rows = [[s.key, s.value, s.origin, s.sentence] for s in found]
    keys = [{"key": s.key, "value": s.value, "origin": s.origin, "sentence": s.sentence} for s in found]
    return Answer({"config": keys}, table(columns, rows, terminal_width=terminal_width()), _untrusted(app))


def _agents(app: App) -> Answer:
    from git_agent.actions.setup.config import agent_commands
    from git_agent.render.table import Column, table

    found = agent_commands(app)
    columns = (Column("AGENT"), Column("ORIGIN"), Column("PROGRAM"), Column("COMMAND", stretch=True))
    rows = [[each.name, each.origin, each.program or "not found", each.command] for each in found]
    lines = table(columns, rows, terminal_width=terminal_width())
    return Answer({"agents": [each._asdict() for each in found]}, lines, _untrusted(app))


def _untrusted(app: App) -> list[str]:
    return [f"note: {key} of .gitagent is not trusted: git agent trust" for key in app.config.untrusted]


@verb("trust", creates=True, looks=False)
def trust_verb(app: App) -> Answer:
    """Accept the commands and the files to copy of the committed .gitagent and .worktreeinclude, until they change."""
    from git_agent.actions.setup.config import trust

    done = trust(app)
    lines = [f"{key} = {visible(value)}" for key, value in done.commands]
    word = "already trusted" if done.already else "trusted"
    commands = [{"key": key, "value": value} for key, value in done.commands]
    return Answer(
        {"hash": done.hash, "already": done.already, "commands": commands},
        [*lines, f"{word}: {' and '.join(done.files)} {done.hash[:12]}"],
    )


@verb("completion", looks=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--install", is_flag=True, help="Install the script and the manual page where shell and man find them.")
@click.option("--complete", "words", is_flag=True, hidden=True)
@click.argument("typed", nargs=-1, metavar="", type=click.UNPROCESSED)
def completion_verb(app: App, shell: str, install: bool, words: bool, typed: tuple[str, ...]) -> Answer:
    """Print or install a shell's completion script, for `git agent` and `git-agent`.

    It completes verbs, options and TASK: a task's id, or its name once you type a letter.
    """
    app.worker_identities = ()  # it needs no repository, so there is no worker
    if words:
        from git_agent.cli.completion.candidates import candidates

        return Answer({}, candidates(app, shell, typed))
    if typed:
        raise usage("too-many-arguments", f"unexpected argument '{typed[0]}'", "git agent completion bash")
    return _installed(shell) if install else _script(shell)


def _script(shell: str) -> Answer:
    from git_agent.cli.completion.scripts import SCRIPTS

    return Answer({"script": SCRIPTS[shell]}, SCRIPTS[shell].splitlines())


def _installed(shell: str) -> Answer:
    from git_agent.cli.completion.install import install, said
    from git_agent.cli.manual import page

    done = install(shell, page(), os.environ)
    placed = [{"path": p.path, "changed": p.changed} for p in done.placed]
    return Answer({"installed": placed, "todo": list(done.todo)}, said(done))


@verb("help", looks=False)
@click.argument("verb_name", metavar="[VERB]", required=False)
def help_verb(app: App, verb_name: str | None) -> Answer:
    """Describe a verb as `git agent VERB -h` does, or list all verbs."""
    app.worker_identities = ()  # it needs no repository, so there is no worker
    above = click.get_current_context().parent
    assert above is not None and isinstance(above.command, click.Group)
    described = above
    if verb_name is not None:
        _, command, _ = above.command.resolve_command(above, [verb_name])
        assert command is not None
        described = click.Context(command, info_name=verb_name, parent=above)
    text = described.get_help()
    return Answer({"text": text}, text.splitlines())


@verb("demo", looks=False)
@click.option("--keep", metavar="DIR", help="Run in DIR, a new or empty directory, and keep it.")
def demo_verb(app: App, keep: str | None) -> Answer:
    """Watch three workers at once go from spawn to a merged base, with a review and a conflict, in about 10 seconds.

    The demo runs in a temporary repository, without your configuration, and deletes it afterwards. It shows each
    command as it runs. With --json, this output goes to standard error.
    """
    app.worker_identities = ()  # it needs no repository, so there is no worker
    from git_agent.demo import lines as render
    from git_agent.demo.play import demo
    from git_agent.render.style import wants_colour

    as_json = bool(click.get_current_context().params["as_json"])
    out = sys.stderr if as_json else sys.stdout
    colour = wants_colour(out.isatty(), os.environ)
    shown = demo(lambda said: print(render.demo_line(said, colour), file=out, flush=True), keep, colour=colour)
    return Answer(render.demo_json(shown), render.closing_lines(shown))
