"""What requests hold: shapes and limits, checked before anything else sees them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

MAX_IDS = 10_000
MAX_HISTORY = 2_000
MAX_CONDITIONS = 50
MAX_TEXT = 200
DEFAULT_K = 10
LARGEST = 2**63

Text = Annotated[StrictStr, Field(min_length=1, max_length=MAX_TEXT)]
Number = Annotated[StrictInt, Field(ge=-LARGEST, lt=LARGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Id = Number | Text
"""An id as the model's data has it: a number, or text."""
Scalar = StrictBool | Number | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Text
_LENGTH = Field(ge=1, description="Length of the list; it can be shorter.")
K = Annotated[int, _LENGTH]
"""Of an address, where every value is text."""
ModelName = Annotated[
    str | None,
    Field(max_length=MAX_TEXT, description="A name of GET /models; by default the first."),
]
IdText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class Request(BaseModel):
    """A body; fields that are not known are refused, since they would not do anything."""

    model_config = ConfigDict(extra="forbid")


class PastItem(Request):
    """An item of somebody's history."""

    item: Id
    weight: Finite = 1.0


class Condition(Request):
    """A condition on a column of the item table."""

    column: Text
    operator: Literal[
        "==", "!=", "<", "<=", ">", ">=", "in", "not-in", "contains", "missing", "present"
    ]
    value: Scalar | Annotated[list[Scalar], Field(max_length=MAX_IDS)] | None = None


class Denied(Request):
    """Items that one user does not get."""

    user: Id
    items: Annotated[list[Id], Field(max_length=MAX_IDS)]


class Rules(Request):
    """Which items may come out, how many of a kind, and where."""

    allow: Annotated[list[Id], Field(max_length=MAX_IDS)] | None = None
    deny: Annotated[list[Id], Field(max_length=MAX_IDS)] | None = None
    where: Annotated[list[Condition], Field(max_length=MAX_CONDITIONS)] | None = None
    quota: (
        Annotated[dict[Text, Annotated[StrictInt, Field(ge=0, lt=2**31)]], Field(max_length=20)]
        | None
    ) = Field(None, description="Most items of a list with the same value in a column.")
    pin: (
        Annotated[
            dict[Annotated[str, Field(pattern="^[1-9][0-9]{0,3}$")], Id], Field(max_length=MAX_TEXT)
        ]
        | None
    ) = Field(None, description="Rank (from 1) -> the item that stands there.")

    user_deny: Annotated[list[Denied], Field(max_length=1000)] | None = None

    def plain(self) -> dict[str, Any]:
        """Return the form that `hybridrec.ranking.rules.Rules.from_json` reads."""
        return self.model_dump(exclude_none=True)


class Rerank(BaseModel):
    """How a list is made diverse; parameters beside the name are those of GET /models."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Scalar | None]

    name: Text

    def plain(self) -> dict[str, Any]:
        """Return the form that `hybridrec.ranking.rerank.reranker_from_json` reads."""
        return self.model_dump()


class Person(Request):
    """A known user, or a history."""

    user: Id | None = Field(None, description="A user of the model or of feedback.")
    history: Annotated[list[PastItem], Field(max_length=MAX_HISTORY)] | None = Field(
        None, description="The whole history to go by instead; items not known are passed over."
    )
    context: Annotated[dict[Text, Scalar], Field(max_length=20)] | None = Field(
        None, description="Circumstances: column -> value, of those in GET /models."
    )


class Taste(Person):
    """Whom a list is for."""

    features: (
        Annotated[
            dict[Text, Scalar | Annotated[list[Scalar], Field(max_length=100)]],
            Field(max_length=100),
        ]
        | None
    ) = Field(None, description="Column of the user table -> value, of a new user.")


class Wish(Taste):
    """A list that is asked for."""

    k: Annotated[StrictInt, _LENGTH] = DEFAULT_K
    rules: Rules | None = None
    rerank: Rerank | None = None


class RecommendRequest(Wish):
    """The body of POST /recommend."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "history": [{"item": 1, "weight": 5.0}, {"item": 260, "weight": 4.0}],
                    "k": 5,
                    "rules": {"where": [{"column": "year", "operator": ">=", "value": 1990}]},
                    "rerank": {"name": "mmr", "weight": 0.3},
                    "explain": True,
                }
            ]
        },
    )

    model: ModelName = None
    columns: StrictBool = Field(False, description="Tell of every item what is known of it.")
    explain: StrictBool = Field(False, description="Say of every item why it is there.")


class BatchRequest(Request):
    """The body of POST /recommend/batch."""

    requests: Annotated[list[Wish], Field(min_length=1)]
    model: ModelName = None


class ExplainRequest(Person):
    """The body of POST /explain."""

    item: Id
    model: ModelName = None


class FeedbackEvent(Request):
    """One thing that a user did."""

    user: Id
    item: Id
    weight: Finite = 1.0
    kind: Text | None = Field(None, description='Such as "view" or "buy".')
    timestamp: Annotated[Finite, Field(ge=0)] | None = Field(
        None, description="Seconds since 1970; by default now."
    )


class FeedbackRequest(Request):
    """The body of POST /feedback."""

    events: Annotated[list[FeedbackEvent], Field(min_length=1)]
    key: Text | None = Field(
        None, description="The same as the header Idempotency-Key, which counts where both are."
    )
