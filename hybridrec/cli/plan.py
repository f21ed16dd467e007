"""``hybridrec plan``: what a fit on a cluster takes, before it is run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridrec.cli.options import examples
from hybridrec.cli.output import console, say, staged_file, working
from hybridrec.cli.tables import print_table
from hybridrec.errors import DataError, ParameterError

if TYPE_CHECKING:
    from hybridrec.distributed.calibration import Constants
    from hybridrec.distributed.plan import Plan

_UNITS = {"": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_STORED = "constants.json"


class Size(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, such as 64GB."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the bytes."""
        if isinstance(value, (int, float)):
            return float(value)
        found = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([a-z]*)\s*", str(value).lower())
        try:
            return float(found[1]) * _UNITS[found[2]] if found else self._refuse(value)
        except (KeyError, ValueError):
            return self._refuse(value)

    def _refuse(self, value: Any) -> float:
        self.fail(f"{value!r} is no size such as 64GB")


@click.command(
    "plan",
    epilog=examples(
        "hybridrec plan --users 1e7 --items 1e6 --interactions 1e9 --workers 16 --memory 64GB",
        "hybridrec plan --calibrate",
    ),
)
@click.option("--users", type=float, metavar="N", help="Such as 1e9.")
@click.option("--items", type=float, metavar="N")
@click.option("--interactions", type=float, metavar="N", help="Distinct pairs of user and item.")
@click.option("--factors", type=click.IntRange(min=1), default=128, show_default=True)
@click.option("--iterations", type=click.IntRange(min=1), default=15, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True,
    help="Processes of one thread each.",
)  # fmt: skip
@click.option("--memory", type=Size(), default="4GB", show_default=True, help="Of each worker.")
@click.option(
    "--bandwidth", type=Size(), metavar="SIZE",
    help="That each worker can receive in a second, such as 1.2GB; by default as calibrated.",
)  # fmt: skip
@click.option(
    "--calibrate", is_flag=True, help="Measure this machine first: about a minute, two processes."
)
@click.option(
    "--constants", type=click.Path(path_type=Path, dir_okay=False),
    help="File of what a calibration measured; by default one of your own, else those of the"
    " machine that hybridrec was benchmarked on.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(calibrate: bool, constants: Path | None, form: str, **asked: Any) -> None:
    """Tell what a fit on a cluster takes: memory, network, time.

    For hybrid-als. Prints the memory of a worker, what goes over the network in an iteration, the
    time, and the bottleneck, from a cost model whose constants are measured.
    """
    sizes = [asked[name] for name in ("users", "items", "interactions")]
    if None in sizes and not (calibrate and sizes == [None] * 3):
        raise ParameterError("give --users, --items and --interactions")
    from hybridrec.distributed.plan import Fleet, Job, plan

    job = fleet = None
    if None not in sizes:
        users, items, interactions = sizes
        job = Job(users, items, interactions, asked["factors"], asked["iterations"])
        fleet = Fleet(asked["workers"], asked["memory"], asked["bandwidth"])
    known = _calibrated(constants) if calibrate else _stored(constants)
    if job is None or fleet is None:
        return
    found = plan(job, fleet, known)
    if form == "json":
        click.echo(json.dumps(found.to_dict() | {"constants": known.to_dict()}, indent=1))
    else:
        _show(found, known)


def _own_file() -> Path:
    return Path(click.get_app_dir("hybridrec")) / _STORED


def _calibrated(path: Path | None) -> Constants:
    """Measure this machine, and keep what was found."""
    from hybridrec.distributed.calibration import calibrate
    from hybridrec.distributed.cluster import connect

    target = path or _own_file()
    if path is None:
        target.parent.mkdir(parents=True, exist_ok=True)
    elif not target.parent.is_dir():
        raise ParameterError(f"cannot write {target}: {target.parent} is not a folder")
    with working("Measuring this machine"), connect("local:2") as cluster:
        found = calibrate(cluster)
    with staged_file(target, overwrite=True) as stage:
        stage.write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
    say(f"Saved to {target}")
    return found


def _stored(path: Path | None) -> Constants:
    """Return constants from a file, by default those that come with the package."""
    from hybridrec.distributed.calibration import BENCHMARKED, Constants

    source = path or (_own_file() if _own_file().exists() else BENCHMARKED)
    try:
        return Constants.from_dict(json.loads(source.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ParameterError(f"there is no file {source}; make it with --calibrate") from None
    except (ValueError, DataError) as error:
        raise DataError(f"{source}: {error}") from error


def _show(found: Plan, constants: Constants) -> None:
    screen = console()
    memory = [[name, _size(size)] for name, size in found.memory.items()]
    memory += [["must fit at one time", _size(found.must_fit)]]
    memory += [["with nothing on disk", _size(found.in_memory)]]
    print_table(screen, {"memory of a worker": "left", "": "right"}, memory)
    click.echo()
    times = [[f"iteration: {name}", _time(one)] for name, one in found.seconds.items()]
    times += [["iteration", _time(found.iteration)]]
    times += [["read, clean, shard", _time(found.preparation)]]
    times += [["model to the client", _time(found.finish)]]
    times += [[f"in all, {found.job.iterations} iterations", _time(found.total)]]
    print_table(screen, {"time": "left", "": "right"}, times)
    click.echo()
    workers = found.fleet.workers
    each = _size(found.network / workers)
    click.echo(f"Network: {_size(found.network)} an iteration, {each} to each of {workers} workers")
    click.echo(f"Factors: {_way(found)}")
    client = f"{_size(found.client_memory)} of memory, {_size(found.client_disk)} of disk"
    click.echo(f"The process that fits: {client}")
    if not found.fits:
        click.echo(f"Does not fit into {_size(found.fleet.memory)} a worker")
    click.echo(f"Bottleneck: {found.bottleneck}: {found.advice}")
    click.echo(f"Constants: {constants.machine}")


def _way(found: Plan) -> str:
    ways = [
        f"every block of {side} gets those that it names, in {n_parts} parts"
        for side, n_parts in found.n_parts.items()
        if n_parts
    ]
    return "; ".join(ways) or "all of the other side to every worker"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1e3
    return f"{size:,.3g} TB" if size < 1000 else f"{size:,.0f} TB"


def _time(seconds: float) -> str:
    for unit, length in (("s", 60.0), ("min", 60.0), ("h", 48.0)):
        if seconds < length:
            return f"{seconds:.2g} {unit}" if seconds < 10 else f"{seconds:.0f} {unit}"
        seconds /= length if unit != "h" else 24.0
    return f"{seconds:,.3g} days" if seconds < 1000 else f"{seconds:,.0f} days"
