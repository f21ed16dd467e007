"""The command ``hybridrec``: commands are imported when they run; errors become one line here."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from hybridrec.errors import HybridRecError, did_you_mean

COMMANDS = {
    "demo": "See it work: fit, compare and recommend on bundled data.",
    "fit": "Fit a model and save it.",
    "recommend": "Recommend items to users, old and new.",
    "card": "Print the model card: data, what was measured, limits.",
    "explain": "Tell why a user is recommended an item.",
    "similar": "List the items most like given ones.",
    "explore": "Make lists that explore, and log their propensities.",
    "off-policy": "Estimate from a log what other policies would have earned.",
    "simulate": "See what policies earn from simulated users.",
    "evaluate": "Compare models on held-out interactions.",
    "interests": "Show what a user likes over time, and whether it drifts.",
    "split": "Write a split as files that any other system can train on.",
    "tune": "Choose the parameters of a model on validation data.",
    "embed": "Turn a knowledge graph into vectors.",
    "plan": "Tell what a fit on a cluster takes: memory, network, time.",
    "update": "Fold new events, users and items into a model.",
    "status": "Tell how far a model is behind, and whether to refit.",
    "replay": "Tell accuracy over time, with and without updates.",
    "serve": "Answer over HTTP: lists, explanations, feedback, a page.",
    "pseudonymise": "Replace the ids of users by keyed pseudonyms.",
    "forget": "Remove users from a model, a file and a feedback log.",
    "anonymity": "Check that a table is k-anonymous before it is given away.",
    "datasets": "List the data sets that come with hybridrec.",
    "doctor": "Check this installation.",
}
PIPE_CLOSED, BAD_INPUT, INTERRUPTED = 1, 2, 130


class LazyGroup(click.Group):
    """A group whose commands are the modules of this folder named in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the pipeline, for help and completion."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"hybridrec.cli.{cmd_name.replace('-', '_')}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; suggest the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            listed = ", ".join(COMMANDS)
            raise click.UsageError(
                f"no command {name!r}{did_you_mean(name, COMMANDS)} (there are {listed})", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines from the table, so that ``--help`` imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog="\b\nShell completion (bash; likewise zsh_source, fish_source), here or in ~/.bashrc:\n"
    '  eval "$(_HYBRIDREC_COMPLETE=bash_source hybridrec)"',
)
@click.version_option(package_name="hybridrec", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Hybrid recommendations from interactions and a knowledge graph, on a CPU.

    Start with "hybridrec demo"; "hybridrec COMMAND --help" explains a command.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 2 after an error, 130 after Ctrl-C.

    An error is one line on standard error, without a traceback.
    """
    if not sys.warnoptions:  # of libraries below, about things a user of commands cannot change
        warnings.simplefilter("ignore")
    typed = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = cli.main(typed, prog_name="hybridrec", standalone_mode=False, obj=typed)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        _leave("Interrupted; nothing was written", INTERRUPTED)
    except click.ClickException as error:
        _leave(f"Error: {_usage(error)}")
    except HybridRecError as error:
        _leave(f"Error: {error}")
    except BrokenPipeError:  # the reader of our output has seen enough
        _leave("", PIPE_CLOSED)
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        _leave("Interrupted; nothing was written", INTERRUPTED)  # what DuckDB makes of Ctrl-C
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _leave(f"Error: {where}{error.strerror or error}")
    except MemoryError as error:
        _leave(f"Error: out of memory {error}".rstrip())
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: click.ClickException) -> str:
    """Return what is wrong with the arguments, and where to read more."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see '{ctx.command_path} --help')" if ctx is not None else ""
    return f"{error.format_message()}{hint}"


def _leave(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Print one line and exit, whatever state standard output is in."""
    if message:
        click.echo("; ".join(line.strip() for line in message.splitlines()), err=True)
    try:
        sys.stdout.flush()
    except OSError:  # what cannot be written must not be tried again on exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
