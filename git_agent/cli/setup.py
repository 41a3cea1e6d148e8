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
@click.option("--no-hooks", is_flag=True, help="No hooks: what happens in git is noticed by the next command.")
@click.option("--agents-md", is_flag=True, help="Also tell agents about it in AGENTS.md, between markers.")
def init_verb(app: App, no_hooks: bool, agents_md: bool) -> Answer:
    """Make the store of this repository, and install the hooks. If you run it again, it repairs what is missing.

    The store is `git-agent/agent.db` in the common git directory; nothing else of the repository changes but a line
    of info/exclude and what the hooks need (`git agent hooks` shows it, `git agent deinit` takes it out). Other verbs
    that add tasks do the same. With --agents-md a part of AGENTS.md at the top of the worktree is written, or
    renewed, for you to commit; what is beside its markers stays.
    """
    from git_agent.actions.setup.init import init

    done = init(app, hooks=not no_hooks, agents=agents_md)
    word = "made" if done.made else "is there already:"
    lines = [f"store {word} {done.path}"]
    if done.hooks is not None:
        lines.append("hooks installed" if done.hooks else "hooks are there already")
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
@click.option("--purge", is_flag=True, help="Remove the store too: tasks, events and messages.")
@yes_option("Answer yes to the question before a store with unfinished tasks is removed.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
def deinit_verb(app: App, purge: bool, yes: bool, dry_run: bool) -> Answer:
    """Take the hooks out, exactly as they were before. Branches and worktrees are left alone.

    Without --purge the store stays, and every command goes on working: it notices by itself what happened in git.
    """
    from git_agent.actions.setup.init import deinit

    done = deinit(app, purge=purge, sure=yes, dry_run=dry_run, asks=_ask if can_ask(app) else None)
    lines = ["hooks are taken out" if done.hooks else "no hooks are here"]
    if dry_run:
        lines = [f"would be taken out: hooks{', store' if done.purged else ''}"]
    elif done.purged:
        lines.append(f"store removed: {app.store_dir}; commits that were kept stay: git for-each-ref refs/git-agent")
    payload = {"hooks": list(done.hooks), "manual": list(done.manual), "purged": done.purged}
    return Answer(payload, lines, [f"note: {visible(line)}" for line in done.manual])


def _ask(live: Sequence[str]) -> None:
    if not confirm(
        "Remove the store, and everything known of these tasks, for good?", [f"unfinished: {t}" for t in live]
    ):
        raise refused(
            "not-confirmed", "nothing was removed", "git agent deinit without --purge takes out the hooks alone"
        )


@verb("doctor", looks=False)
@click.option("--fix", is_flag=True, help="Fix what can be fixed without losing anything.")
def doctor_verb(app: App, fix: bool) -> Answer:
    """Say what is wrong with store, git, tasks, hooks, messages, files and settings, why it matters, and what fixes it.

    Reads every task's events, branches and worktrees of live tasks, and who has the store or git's locks open; changes
    nothing without --fix. With it, each fix looks again before it acts, deletes no commit and no changed file, and is
    an event that `git agent undo` takes back. Exits 1 when anything is wrong, with --fix when anything still is.
    """
    from git_agent.actions.doctor.doctor import doctor
    from git_agent.render import doctor as doctor_lines
    from git_agent.render.style import wants_colour

    found = doctor(app, fix=fix)
    lines = doctor_lines.diagnosis_lines(found, colour=wants_colour(sys.stdout.isatty(), os.environ))
    return Answer(doctor_lines.diagnosis_json(found), lines, exit=1 if found.findings else 0)


@verb("hooks", looks=False)
def hooks_verb(app: App) -> Answer:
    """Show what git runs for each of our events in this worktree, and in a worker's.

    HOW is config (git's own configuration, 2.54 and newer), own file, block (lines in a hook of yours), chained (ours
    runs yours), workers' (a hooks directory for workers' worktrees only) or none: then what happens is noticed by the
    next command.
    """
    from git_agent.actions.setup.hooks import hooks
    from git_agent.render.table import Column, table

    found = hooks(app)
    columns = (Column("WHERE"), Column("EVENT"), Column("HOW"), Column("YOUR HOOK", stretch=True), Column("NOTE"))
    places = [("here", found.here), ("workers", found.workers or ())]
    rows = [[where, e.event, e.scheme, e.beside or "", e.note] for where, each in places for e in each]
    said = [] if found.wanted else ["hooks are not wanted here: git agent init installs them"]
    payload = {
        "wanted": found.wanted,
        "worktree": found.place,
        "hooks": [
            {"where": where, "event": e.event, "how": e.scheme, "path": e.path, "beside": e.beside, "note": e.note}
            for where, each in places
            for e in each
        ],
    }
    return Answer(payload, [*table(columns, rows, terminal_width=terminal_width()), *said])


@verb("sync", looks=False)
@click.option("--background", is_flag=True, hidden=True)
def sync_verb(app: App, background: bool) -> Answer:
    """Reconcile with git: pushes, merges, rebases, moved and removed worktrees.

    Every command does it first, and the hooks have it done when something happened; by itself it says what is new.
    """
    if background:
        from git_agent.runtime import draining

        draining.look_until_quiet(app)
        return Answer({"noticed": []})
    from git_agent.actions.reconcile.reconcile import reconcile, take_notices

    seen = reconcile(app, remotes=True, typed=True).lines
    lines = [*take_notices(app), *seen]
    return Answer({"noticed": list(lines)}, [visible(line) for line in lines] or ["nothing new"])


@verb("config", looks=False)
def config_verb(app: App) -> Answer:
    """Show every agent.* key with its value, its origin and its meaning.

    Values are git's own configuration: set them with `git config agent.KEY VALUE`. A committed `.gitagent` file gives
    a team's values; its keys that name commands count after `git agent trust`.
    """
    from git_agent.actions.setup.config import config
    from git_agent.render.table import Column, table

    found = config(app)
    columns = (Column("KEY"), Column("VALUE"), Column("ORIGIN"), Column("MEANING", stretch=True))
    rows = [[s.key, s.value, s.origin, s.sentence] for s in found]
    keys = [{"key": s.key, "value": s.value, "origin": s.origin, "sentence": s.sentence} for s in found]
    untrusted = [f"note: {key} of .gitagent is not trusted: git agent trust" for key in app.config.untrusted]
    return Answer({"config": keys}, table(columns, rows, terminal_width=terminal_width()), untrusted)


@verb("trust", creates=True, looks=False)
def trust_verb(app: App) -> Answer:
    """Accept the commands of the committed .gitagent file, until it changes."""
    from git_agent.actions.setup.config import trust

    done = trust(app)
    lines = [f"{key} = {visible(value)}" for key, value in done.commands]
    word = "trusted already" if done.already else "trusted"
    commands = [{"key": key, "value": value} for key, value in done.commands]
    return Answer(
        {"hash": done.hash, "already": done.already, "commands": commands},
        [*lines, f"{word}: .gitagent {done.hash[:12]}"],
    )


@verb("completion", looks=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--install", is_flag=True, help="Write it where the shell looks, and the manual page where man looks.")
@click.option("--complete", "words", is_flag=True, hidden=True)
@click.argument("typed", nargs=-1, metavar="", type=click.UNPROCESSED)
def completion_verb(app: App, shell: str, install: bool, words: bool, typed: tuple[str, ...]) -> Answer:
    """Print the completion of a shell, for `git agent` and for `git-agent`; with --install, put it in its place.

    Verbs, options and TASK are completed: a task's id, or its name once a letter is typed.
    """
    app.worker_identities = ()  # it needs no repository, so nobody's worker speaks
    if words:
        from git_agent.cli.completion.candidates import candidates

        return Answer({}, candidates(app, shell, typed))
    if typed:
        raise usage("too-many-arguments", f"one shell, not also '{typed[0]}'", "git agent completion bash")
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


@verb("demo", looks=False)
@click.option("--keep", metavar="DIR", help="Play in DIR, a new or empty directory, and keep it.")
def demo_verb(app: App, keep: str | None) -> Answer:
    """Watch three workers at once go from spawn to a merged base, with a review and a conflict, in about 10 seconds.

    Everything happens in a temporary repository of its own, with none of your configuration, and is deleted afterwards.
    Each command is shown as it is run. With --json that goes to standard error.
    """
    app.worker_identities = ()  # it needs no repository, so nobody's worker speaks
    from git_agent.demo import lines as render
    from git_agent.demo.play import demo
    from git_agent.render.style import wants_colour

    as_json = bool(click.get_current_context().params["as_json"])
    out = sys.stderr if as_json else sys.stdout
    colour = wants_colour(out.isatty(), os.environ)
    shown = demo(lambda said: print(render.demo_line(said, colour), file=out, flush=True), keep, colour=colour)
    return Answer(render.demo_json(shown), render.closing_lines(shown))
