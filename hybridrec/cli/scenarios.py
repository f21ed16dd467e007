"""Options of scenarios: which column tells them, how far each is adapted, who is whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.options import EXISTING_FILE, Command, gathered
from hybridrec.cli.tables import Alignment, print_table
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.links import UserLinks, with_links
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.errors import DataError, ParameterError, did_you_mean
from hybridrec.models.base import Recommender
from hybridrec.models.registry import model_class
from hybridrec.models.spec import ModelSpec
from hybridrec.ranking.texts import typed_value, value_text

if TYPE_CHECKING:
    from rich.console import Console

_MODEL = "scenarios"


@dataclass(frozen=True)
class ScenarioOptions:
    """What was given for the options of `scenario_options`."""

    scenario_column: str | None
    scenario_alpha: str | None
    user_links: Path | None

    def spec(self, base: ModelSpec) -> ModelSpec:
        """Return the model to fit: that of scenarios around the one asked for.

        Raises
        ------
        ParameterError
            If the options do not go together.
        """
        if self.scenario_column is None:
            if self.scenario_alpha is not None:
                raise ParameterError("--scenario-alpha needs --scenario-column")
            return base
        params: dict[str, Any] = {"column": self.scenario_column, "alpha": self._alpha()}
        if base.kind.model_name == _MODEL:
            return replace(base, params={**base.params, **params})
        own = ",".join(f"{name}={value_text(value)}" for name, value in base.params.items())
        params["base"] = f"{base.kind.model_name}:{own}" if own else base.kind.model_name
        return ModelSpec(f"{base.label} by scenario", model_class(_MODEL), params, base.blocks)

    def _alpha(self) -> Any:
        if self.scenario_alpha in (None, "auto"):
            return "auto"
        return typed_value("--scenario-alpha", str(self.scenario_alpha), float)

    def linked(self, dataset: Dataset) -> tuple[Dataset, list[str]]:
        """Return the data in which every person has one id, and what to say about it.

        Raises
        ------
        DataError
            If the data have no such column, or the links do not fit them.
        """
        column, known = self.scenario_column, list(dataset.interactions.context)
        if column is not None and column not in known:
            raise DataError(
                f"{dataset.name!r} has no column {column!r} of scenarios"
                f"{did_you_mean(column, known)}"
            )
        if self.user_links is None:
            return dataset, []
        links = UserLinks.from_frame(open_file(self.user_links, "user links"))
        joined, report = with_links(dataset, links, column)
        return joined, [str(report)]


_OPTIONS = (
    click.option(
        "--scenario-column",
        metavar="COLUMN",
        help="Column that tells the scenario (browse, buy) or domain (movies, books) of an"
        " interaction: one model of all, adapted to each.",
    ),
    click.option(
        "--scenario-alpha",
        metavar="auto|NUMBER",
        help="How far scenarios move away from the model of all, 0 to 1.  [default: auto, by"
        " held-out interactions]",
    ),
    click.option(
        "--user-links",
        type=EXISTING_FILE,
        help="Which ids are one person: columns scenario, user, person; or two columns of ids.",
    ),
)

scenario_option = click.option(
    "--scenario", metavar="NAME", help="Lists of a scenario of the model."
)


def scenario_options(command: Command) -> Command:
    """Give a command the options of scenarios, as one `ScenarioOptions` called ``scenarios``."""
    return gathered(command, "scenarios", ScenarioOptions, _OPTIONS)


def in_scenario(model: Recommender, name: str | None) -> Recommender:
    """Return a model as a scenario sees it, or as it is if none is named.

    Raises
    ------
    ParameterError
        If there is no such scenario.
    """
    if name is None:
        return model
    if model.model_name != _MODEL:
        raise ParameterError(
            f"--scenario needs a model fitted with --scenario-column; this is {model.model_name}"
        )
    return model.in_context({"scenario": name})


def show_scenarios(screen: Console, model: Recommender) -> None:
    """Print what every scenario has, and how far it is adapted; nothing for other models."""
    from hybridrec.online.transfer import Scenarios

    if not isinstance(model, Scenarios):
        return
    columns: dict[str, Alignment] = {
        "scenario": "left",
        **dict.fromkeys(("users", "items", "rows"), "right"),
        **dict.fromkeys(("alpha", "new users", "of items", "NDCG@20", "adapted"), "right"),
    }
    rows = []
    for name, history in model.histories_.items():
        chosen = model.chosen_[name]
        sizes = np.count_nonzero(np.diff(history.indptr)), np.count_nonzero(history.getnnz(axis=0))
        gains = ["-" if np.isnan(one) else f"{one:.4f}" for one in (chosen.shared, chosen.adapted)]
        alphas = [f"{one:g}" for one in chosen.alpha]
        rows.append([name, *(f"{size:,}" for size in (*sizes, history.nnz)), *alphas, *gains])
    print_table(screen, columns, rows, "Scenarios, and how far they are from the model of all")
