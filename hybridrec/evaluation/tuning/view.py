"""How a search goes, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hybridrec.evaluation.tuning.storage import TrialStore
from hybridrec.evaluation.tuning.trials import Trial, best_of

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN = 5  # best trials


class View:
    """The trials so far, as something to print.

    Parameters
    ----------
    title : str
    store : TrialStore
    trials : int
        How many there are to be.
    deadline : float or None
        On the clock of ``time.monotonic``.
    lower : bool
        Whether lower values are better.
    """

    def __init__(
        self, title: str, store: TrialStore, trials: int, deadline: float | None, lower: bool
    ) -> None:
        self._title, self._store, self._trials = title, store, trials
        self._deadline, self._lower = deadline, lower
        self._start, self._before = time.monotonic(), len(store.trials)

    @contextmanager
    def shown(self, show: bool) -> Iterator[Callable[[], None]]:
        """Show it while a block runs; yields what to call when something changed.

        Nothing is written unless ``show`` is true and standard error is a terminal.
        """
        if not (show and sys.stderr.isatty()):
            yield lambda: None
            return
        from rich.console import Console
        from rich.live import Live

        with Live(
            get_renderable=self.render,
            console=Console(stderr=True, highlight=False),
            refresh_per_second=2,
            transient=True,
        ) as live:
            yield live.refresh

    def render(self) -> RenderableType:
        """Return a line on where it is, and the best trials."""
        from rich.console import Group
        from rich.text import Text

        trials = list(self._store.trials)
        best = best_of(trials, lower=self._lower)[:_SHOWN]
        return Group(Text(self._line(trials)), *([_table(best)] if best else []))

    def _line(self, trials: Sequence[Trial]) -> str:
        counts = {
            "stopped early": sum(one.state == "stopped" for one in trials),
            "failed": sum(one.state == "failed" for one in trials),
        }
        parts = [
            self._title,
            f"trial {max(len(trials), 1)} of {self._trials}",
            *(f"{count} {what}" for what, count in counts.items() if count),
            self._time(len(trials)),
        ]
        return " · ".join(parts)

    def _time(self, n_trials: int) -> str:
        """Say how long it takes, from the trials of this run."""
        now = time.monotonic()
        elapsed = now - self._start
        finished = n_trials - self._before - 1
        left = []
        if finished > 0:
            left.append(elapsed / finished * (self._trials - n_trials + 1))
        if self._deadline is not None:
            left.append(max(self._deadline - now, 0.0))
        return _clock(elapsed) + (f", about {_clock(min(left))} left" if left else "")


def _table(best: Sequence[Trial]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for header in ("trial", "value"):
        table.add_column(header, justify="right")
    table.add_column("setting")
    for trial in best:
        setting = " ".join(f"{name}={value}" for name, value in trial.point.items())
        number = f"{trial.number}" if trial.number else "defaults"
        table.add_row(number, f"{trial.values[-1]:.4f}", Text(setting))
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
