from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.context import coded_context, context_columns, context_label, with_context
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError


@pytest.fixture
def rows():
    frame = pd.DataFrame(
        {
            "user": [1, 1, 2, 2],
            "item": [1, 2, 1, 3],
            "timestamp": [0, 3600 * 20, 3600 * 7, 3600 * 20],
            "device": ["tv", None, "phone", "tv"],
        }
    )
    return Interactions.from_frame(frame, context=["device"])


def test_columns_and_what_times_tell(rows):
    device, daypart = context_columns(rows, ["device", "daypart"])
    assert device.values == ("phone", "tv")
    assert device.codes.tolist() == [1, -1, 0, 1]
    assert daypart.values == ("evening", "morning", "night")
    assert daypart.codes.tolist() == [2, 0, 1, 0]
    assert rows.context.keys() == {"device"}


def test_a_column_of_the_name_counts_more_than_the_times(rows):
    named = replace(rows, context={"hour": np.full(4, 5)})
    assert context_columns(named, ["hour"])[0].values == ("5",)
    assert with_context(rows, ["hour"]).context["hour"].tolist() == [0, 20, 7, 20]


def test_from_frame_makes_what_times_tell():
    frame = pd.DataFrame({"user": [1], "item": [2], "timestamp": [3600 * 23]})
    rows = Interactions.from_frame(frame, context=["daypart"], timezone="+02:00")
    assert rows.context["daypart"].tolist() == ["night"]
    with pytest.raises(DataError, match="'daypart' needs a timestamp column"):
        Interactions.from_frame(frame[["user", "item"]], context=["daypart"])
    with pytest.raises(DataError, match="no column 'devce'"):
        Interactions.from_frame(frame, context=["devce"])


def test_columns_that_there_are_not(rows):
    with pytest.raises(DataError, match="no context column 'devise'; did you mean 'device'"):
        context_columns(rows, ["devise"])
    with pytest.raises(ParameterError, match="'device' is named twice"):
        context_columns(rows, ["device", "device"])
    with pytest.raises(ParameterError, match="sequence of columns"):
        context_columns(rows, "device")


def test_measures_are_refused_with_advice():
    for values in (np.array([20.5, 21.0]), np.arange(60)):
        with pytest.raises(DataError, match=r"'temperature' holds numbers .*pandas\.cut"):
            coded_context("temperature", values)
    assert coded_context("hour", np.arange(24)).codes.max() == 23


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        ("5", "5"),
        (np.int64(5), "5"),
        (True, "true"),
        (np.bool_(False), "false"),
    ],
)
def test_one_text_for_equal_values(value, text):
    assert context_label("hour", value) == text


def test_what_is_no_value():
    with pytest.raises(ParameterError, match="'device' must be a text, number or boolean"):
        context_label("device", ["tv"])
