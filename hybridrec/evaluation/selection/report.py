"""What the guard found: figures with, without and with shuffled side information, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrec.evaluation.selection.cut import COLD, NEW_USERS, OVERALL, WARM

if TYPE_CHECKING:
    from hybridrec.evaluation.selection.gains import Difference
    from hybridrec.evaluation.selection.leaks import RelationLeak
    from hybridrec.evaluation.selection.sides import Block, Weights

Means = Mapping[str, float]

_NEW = {"item": COLD, "user": NEW_USERS}


def own_view(block: Block) -> str:
    """Return the view on what only a block of this side knows: new items, or new users."""
    return _NEW[block.side]


@dataclass(frozen=True)
class BlockVerdict:
    """What a feature block does.

    Attributes
    ----------
    block : Block
    gain : mapping of str to Difference
        NDCG@20 with the block less without it, by view.
    meaning : mapping of str to Difference
        NDCG@20 with the block less with its rows shuffled: what it owes to what it says.
    """

    block: Block
    gain: Mapping[str, Difference]
    meaning: Mapping[str, Difference]

    @property
    def helps(self) -> tuple[str, ...]:
        """The views, "warm" and that on new items or users, that are better with it.

        Better by two standard errors than without it, and than with it shuffled.
        """
        return tuple(
            view
            for view in (WARM, own_view(self.block))
            if view in self.gain and self.gain[view].above and self.meaning[view].above
        )

    @property
    def hurts(self) -> tuple[str, ...]:
        """The views, "warm" and "overall", that are worse with it by two standard errors."""
        return tuple(view for view in (WARM, OVERALL) if self.gain[view].below)

    @property
    def finding(self) -> str:
        """What it does, in words and figures."""
        parts = [
            f"{words} {_listed(views, self.gain)}"
            for words, views in (("helps", self.helps), ("hurts", self.hurts))
            if views
        ]
        if parts:
            return ", ".join(parts)
        views = [view for view in (WARM, own_view(self.block)) if view in self.gain]
        shown = ", ".join(f"{view} {self.gain[view]}" for view in views)
        return f"no help that can be told ({shown})"


@dataclass(frozen=True)
class GuardReport:
    """What side information does for a model on held-out interactions of the given data.

    Attributes
    ----------
    model : str
    rows : mapping of str to mapping of str to float
        NDCG@20 by view: with all side information, without a block, with it shuffled, ....
    verdicts : tuple of BlockVerdict
        The last word on every block that was judged.
    weights : mapping of Block to float
        What the final model uses: 1, less, or 0 for a block that is switched off.
    switches : bool
        Whether the guard may switch blocks off; if not, it only reports.
    n_users : int
        How many users were measured.
    notes : tuple of str
        What was not judged, and why.
    leaks : tuple of RelationLeak
        Relations of the knowledge graph that tell popularity.
    seconds : float
        Time of all this.
    """

    model: str
    rows: Mapping[str, Means]
    verdicts: tuple[BlockVerdict, ...]
    weights: Weights
    switches: bool
    n_users: int
    notes: tuple[str, ...] = ()
    leaks: tuple[RelationLeak, ...] = ()
    seconds: float = 0.0

    @property
    def title(self) -> str:
        """What the table shows."""
        return (
            f"NDCG@20 of {self.model} on held-out interactions of {self.n_users:,} users"
            f" ({self.seconds:.1f} s)"
        )

    @property
    def views(self) -> tuple[str, ...]:
        """The columns of the table."""
        return tuple(next(iter(self.rows.values()), {}))

    @property
    def switched_off(self) -> tuple[Block, ...]:
        """Blocks that the final model does without."""
        return tuple(block for block, weight in self.weights.items() if weight == 0)

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdicts, a line a block, and the notes."""
        return (*(self._line(verdict) for verdict in self.verdicts), *self.notes)

    def __str__(self) -> str:
        width = max(map(len, self.rows), default=0)
        columns = "".join(f"{view:>11}" for view in self.views)
        table = [
            f"{label:<{width}}" + "".join(f"{means[view]:11.4f}" for view in self.views)
            for label, means in self.rows.items()
        ]
        body = [self.title, " " * width + columns, *table] if table else []
        return "\n".join([*body, *self.lines, *map(str, self.leaks)])

    def _line(self, verdict: BlockVerdict) -> str:
        weight = self.weights[verdict.block]
        state = {0.0: "switched off", 1.0: "used"}.get(weight, f"used at weight {weight:g}")
        if not self.switches and not verdict.helps:
            state = "used, as asked for"
        return f"{verdict.block}: {state}; {verdict.finding}"


def _listed(views: tuple[str, ...], gain: Mapping[str, Difference]) -> str:
    return " and ".join(f"{view} ({gain[view]})" for view in views)
