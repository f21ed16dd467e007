"""The card of a fitted model, written at the fit and printed whenever it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ModelFolderError, ParameterError
from hybridrec.evaluation.model_card.facts import facts_of
from hybridrec.evaluation.model_card.record import (
    empty_record,
    groups_of,
    record_of,
    results_of,
)
from hybridrec.models.base import Recommender
from hybridrec.models.texts import attach_texts, texts_of

if TYPE_CHECKING:
    from hybridrec.dataset.cleaning import CleaningReport
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.groups import GroupReport
    from hybridrec.evaluation.results import Comparison
    from hybridrec.evaluation.selection.front import FitResult

FORMAT, FORMAT_VERSION = "hybridrec model card", 1
RECORD, TEXT = "card.json", "card.md"


@dataclass(frozen=True, eq=False)
class ModelCard:
    """The card of a model; ``print`` shows it as Markdown.

    Attributes
    ----------
    content : dict
        Of JSON's types. "now" is read off the model when the card is made: its parameters,
        sizes, knowledge, features, and the lists of a sample of users. "fit" is what only the
        fit knew: date, data, cleaning, measurements, notes; None if the model tells nothing of
        it. Measurements carry their date and the fingerprint of the data they were made on.
    """

    content: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Whether users, items or interactions of the model have changed since the fit."""
        fit = self.content["fit"]
        return fit is not None and fit["fingerprint"] != self.content["now"]["fingerprint"]

    def to_markdown(self) -> str:
        """Return the card as Markdown."""
        from hybridrec.evaluation.model_card.text import markdown

        return markdown(self.content, changed=self.changed)

    def to_html(self) -> str:
        """Return the card as an HTML page in one file."""
        from hybridrec.evaluation.model_card.page import page

        return page(self.to_markdown())

    def to_json(self) -> str:
        """Return the card as a JSON object."""
        return json.dumps(self.content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def attach(self, model: Recommender) -> None:
        """Let the model keep the card: `Recommender.save` writes ``card.md`` and ``card.json``."""
        attach_texts(model, {TEXT: self.to_markdown(), RECORD: self.to_json()})

    def __str__(self) -> str:
        return self.to_markdown()


def model_card(
    model: Recommender | FitResult,
    data: Dataset | None = None,
    *,
    cleaning: CleaningReport | None = None,
    results: Comparison | None = None,
    groups: GroupReport | None = None,
    notes: str | None = None,
    random_state: int = 0,
    num_threads: int = 0,
) -> ModelCard:
    """Return the card of a fitted model.

    After Mitchell et al., "Model cards for model reporting" (FAT* 2019). Nothing is invented:
    what was not measured is said to be not measured.

    Parameters
    ----------
    model : Recommender or FitResult
        That of `hybridrec.fit` also tells what was measured to choose the model and its side
        information.
    data : Dataset, optional
        What the model was fitted on; then a new record of the fit is written. By default the
        record that the model keeps is used, if there is one.
    cleaning : CleaningReport, optional
        With ``data``.
    results : Comparison, optional
        Held-out results of a model with these parameters, perhaps beside others.
    groups : GroupReport, optional
        Results by groups of users and of items.
    notes : str, optional
        Markdown: intended use, people concerned, what the card cannot know. Replaces those kept.
    random_state : int, default 0
        Of the sample of users whose lists are looked at.
    num_threads : int, default 0

    Raises
    ------
    NotFittedError
        If the model was not fitted.
    ParameterError
        If ``cleaning`` is given without ``data``, or ``data`` is not what the model was fitted on.
    """
    found = None if isinstance(model, Recommender) else model
    model = model if isinstance(model, Recommender) else model.model
    model._check_fitted()
    now = facts_of(model, random_state=random_state, num_threads=num_threads)
    record: dict[str, Any] | None
    if data is not None:
        _check_data(model, data)
        record = record_of(now["fingerprint"], data, cleaning, found)
    elif cleaning is not None or found is not None:
        raise ParameterError("what the fit found belongs to its data: give data, too")
    else:
        record = kept_record(model)
    if results is not None or groups is not None or notes is not None:
        record = with_results(record, now["fingerprint"], results, groups, notes)
    return ModelCard(
        {"format": FORMAT, "format_version": FORMAT_VERSION, "now": now, "fit": record}
    )


def kept_record(model: Recommender) -> dict[str, Any] | None:
    """Return the record of the fit that a model keeps, None if there is none.

    Raises
    ------
    ModelFolderError
        If it is not one that this version reads.
    """
    text = texts_of(model).get(RECORD)
    if text is None:
        return None
    try:
        content = json.loads(text)
        known = (content["format"], content["format_version"]) == (FORMAT, FORMAT_VERSION)
        record: dict[str, Any] | None = content["fit"] if known else None
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f"{RECORD} of the model is no model card: {error}") from error
    if not known:
        raise ModelFolderError(
            f"{RECORD} of the model has another format than this version of hybridrec reads"
        )
    return record


def with_results(
    record: Mapping[str, Any] | None,
    fingerprint: str,
    results: Comparison | None,
    groups: GroupReport | None,
    notes: str | None,
) -> dict[str, Any]:
    """Add what was measured elsewhere, and notes, to a record of the fit."""
    full = dict(record) if record is not None else empty_record(fingerprint)
    if results is not None:
        full["measured"] = [*full["measured"], results_of(results, fingerprint)]
    if groups is not None:
        full["groups"] = groups_of(groups, fingerprint)
    if notes is not None:
        full["notes"] = notes
    return full


def _check_data(model: Recommender, data: Dataset) -> None:
    if data.users != model.users_ or data.items != model.items_:
        raise ParameterError(
            f"the model was fitted on other users or items ({len(model.users_):,} and"
            f" {len(model.items_):,}) than the data has ({len(data.users):,} and"
            f" {len(data.items):,}); give what it was fitted on"
        )
