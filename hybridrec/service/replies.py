"""What answers hold: for the OpenAPI description alone, answers are not made from these."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from hybridrec.service.errors import CODES

Id = int | str
_MEANINGS = {
    400: "The body is not JSON.",
    401: "The token is missing or wrong.",
    403: "This is off here.",
    404: "A user, item or model is not known.",
    409: "A model folder is broken; the model is served as it was.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    422: "A value makes no sense.",
    503: "Not now: the disk is full, too much is asked at once, or the end has come.",
}
OF_BODIES = (400, 408, 413, 422)


class ErrorText(BaseModel):
    """What went wrong."""

    code: str
    message: str


class ErrorReply(BaseModel):
    """Every answer that is not what was asked for."""

    error: ErrorText


class PartReply(BaseModel):
    """What one thing adds to a score."""

    kind: str = Field(examples=["history"])
    name: str
    value: float
    item: Id | None = None


class StepReply(BaseModel):
    """One step of a path, to this entity."""

    entity: Any
    label: str | None
    relation: Any
    direction: str = Field(description='"backward" where the fact is told of this entity.')


class PathReply(BaseModel):
    """Facts that lead from an item of the history to the recommended one."""

    text: str = Field(examples=["same director as Pulp Fiction, which you rated 5"])
    weight: float
    item: Id = Field(description="The item of the history.")
    title: str | None
    steps: list[StepReply]


class ExplanationReply(BaseModel):
    """Why an item is recommended; parts, and features, sum to the score."""

    title: str | None
    user: Id | None
    item: Id
    score: float | None
    parts: list[PartReply]
    features: list[PartReply]
    paths: list[PathReply]


class Versioned(BaseModel):
    """An answer of a model."""

    model: str
    version: str


class ExplainReply(Versioned, ExplanationReply):
    """The answer of /explain."""


class EntryReply(BaseModel):
    """An item of a list."""

    item: Id
    title: str | None = Field(examples=["Toy Story"])
    score: float | None = Field(description="None for an item that is there only by a rule.")
    rank: int = Field(ge=1)
    source: str = Field(
        description="model, fold-in, features, popular or pinned.", examples=["model"]
    )
    columns: dict[str, Any] | None = None
    reason: str | None = None
    explanation: ExplanationReply | None = None


class UserList(BaseModel):
    """A list, and whom it is for: null for a history."""

    user: Id | None
    items: list[EntryReply]
    unknown_context: list[str] | None = Field(
        None, description="Columns of the context whose values are not known: they change nothing."
    )


class ListReply(Versioned, UserList):
    """The answer of /recommend."""


class BatchReply(Versioned):
    """The answer of /recommend/batch, in the order of the requests."""

    answers: list[UserList]


class SimilarReply(Versioned):
    """The answer of /similar."""

    item: Id
    title: str | None
    items: list[EntryReply]


class ItemReply(Versioned):
    """The answer of /items/{item}."""

    item: Id
    title: str | None
    users: int = Field(description="How many users have it.")
    columns: dict[str, Any]


class FoundItem(BaseModel):
    """An item that a query found."""

    item: Id
    title: str | None
    users: int


class ItemsReply(Versioned):
    """The answer of /items."""

    items: list[FoundItem]


class FoundUser(BaseModel):
    """A user that a query found."""

    user: Id
    items: int = Field(description="How many items the user has.")


class UsersReply(Versioned):
    """The answer of /users."""

    users: list[FoundUser]


class PastItemReply(BaseModel):
    """An item of a user's history."""

    item: Id
    title: str | None
    weight: float


class UserReply(Versioned):
    """The answer of /users/{user}."""

    user: Id
    fitted: bool = Field(description="False: known by feedback alone.")
    items: list[PastItemReply]


class ColumnReply(BaseModel):
    """A column of the item table, for rules."""

    name: str
    kind: str = Field(description="number, text, list or other.")
    values: list[Any] = Field(description="The most frequent values; none of numbers.")
    smallest: float | None
    largest: float | None


class RerankerReply(BaseModel):
    """A way to make lists diverse."""

    name: str
    parameters: dict[str, Any] = Field(description="Each with its default.")


class WeightsReply(BaseModel):
    """How much items count in the histories of users, such as ratings from 0.5 to 5."""

    smallest: float
    usual: float = Field(description="The median.")
    largest: float


class ModelVersion(BaseModel):
    """Which version of a model is served."""

    name: str
    version: str


class ModelReply(ModelVersion):
    """A model that is served."""

    kind: str = Field(examples=["hybrid-als"])
    users: int
    items: int
    knowledge: bool = Field(description="Whether explanations can have paths.")
    columns: list[ColumnReply]
    weights: WeightsReply | None = Field(description="None where nobody has anything.")
    context: dict[str, list[str]] = Field(description="Columns of contexts, and their values.")
    rerankers: list[RerankerReply]


class ModelsReply(BaseModel):
    """The answer of /models; the first is the default."""

    models: list[ModelReply]
    max_k: int
    max_batch: int
    feedback: bool


class FeedbackReply(BaseModel):
    """The answer of /feedback."""

    stored: bool
    ids: list[int]


class ReloadReply(BaseModel):
    """The answer of /reload."""

    models: list[ModelVersion]


class StateReply(BaseModel):
    """The answer of /health and /ready."""

    status: str = Field(examples=["ok"])


def described(reply: type[BaseModel], *errors: int) -> dict[str, Any]:
    """Return how a route's answers are described: the good one, and errors by status."""
    responses: dict[int | str, Any] = {200: {"model": reply}}
    for status in sorted({*errors, 500, 503}):
        responses[status] = {
            "model": ErrorReply,
            "description": _MEANINGS.get(status, CODES[status]),
        }
    return {"responses": responses, "response_model": None}
