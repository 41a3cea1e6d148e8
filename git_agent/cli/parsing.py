"""Kinds of verbs and values that click does not have."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import click


class Commanding(click.Command):
    """A verb that takes another program's command after `--`, including its options."""

    usage_end = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take everything after the first `--` unchanged; `exec` needs none between TASK and a command."""
        at = args.index("--") if "--" in args else len(args)
        after = at + 1
        if self.usage_end.startswith("[--]"):
            task = next((i for i, word in enumerate(args[:at]) if not word.startswith("-")), at)
            if task + 1 < at and not args[task + 1].startswith("-"):
                at = after = task + 1
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = tuple(args[after:])
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Add the command to the usage."""
        return [*super().collect_usage_pieces(ctx), self.usage_end]


class Passing(click.Command):
    """A verb that passes options that it does not know on to git, and everything after `--`.

    After `--` come options and then paths; a second `--` separates them where an option has a value of its own.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is git's out of the words."""
        at = args.index("--") if "--" in args else len(args)
        known = {name for param in self.get_params(ctx) for name in param.opts}
        mine = [word for word in args[:at] if not word.startswith("-") or word.partition("=")[0] in known]
        theirs = [word for word in args[:at] if word not in mine]
        after = args[at + 1 :]
        until = after.index("--") if "--" in after else sum(1 for _ in takewhile(lambda w: w.startswith("-"), after))
        rest = super().parse_args(ctx, mine)
        ctx.params["git_options"] = (*theirs, *after[:until])
        ctx.params["paths"] = tuple(word for word in after[until:] if word != "--")
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Add what is git's to the usage."""
        return [*super().collect_usage_pieces(ctx), "[GIT-OPTION...]", "[-- PATH...]"]


class Several(click.Group):
    """A verb with subcommands. The first one is the default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default subcommand if none is named. --json may precede it."""
        before = [word for word in args[:1] if word == "--json"]
        rest = args[len(before) :]
        named = bool(rest) and (rest[0] in self.commands or rest[0] in ctx.help_option_names)
        if not ctx.resilient_parsing:
            args = [rest[0], *before, *rest[1:]] if named else [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


class Finite(click.FloatRange):
    """A number in a range. It refuses `nan`, which every range accepts, and `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert as FloatRange does, and refuse `nan` and `inf`."""
        found = super().convert(value, param, ctx)
        if found != found or found in (float("inf"), float("-inf")):
            self.fail(f"{value} is not a number", param, ctx)
        return found
