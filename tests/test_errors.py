"""Errors and how they name things."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import (
    DataError,
    HybridRecError,
    MissingExtraError,
    ModelFolderError,
    NotFittedError,
    OutputError,
    ParameterError,
    UnknownIdError,
    did_you_mean,
    first_few,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (DataError, ValueError),
        (ParameterError, ValueError),
        (UnknownIdError, KeyError),
        (NotFittedError, AttributeError),
        (ModelFolderError, ValueError),
        (OutputError, OSError),
        (MissingExtraError, ImportError),
    ],
)
def test_every_error_is_ours_and_a_builtin(error, builtin):
    assert issubclass(error, HybridRecError)
    assert issubclass(error, builtin)


def test_unknown_id_is_not_quoted_like_a_key_error():
    assert str(UnknownIdError("unknown item id 'a'")) == "unknown item id 'a'"
    assert str(UnknownIdError()) == ""


def test_missing_extra_says_what_to_install():
    assert str(MissingExtraError("lightfm", "lightfm")) == (
        "lightfm cannot be imported; install it with: pip install 'hybridrec[lightfm]'"
    )
    assert "(no such library)" in str(MissingExtraError("a", "b", ImportError("no such library")))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        (["a"], "'a'"),
        ([1, 2, 3, 4, 5], "1, 2, 3, 4, 5"),
        (range(7), "0, 1, 2, 3, 4 and 2 more"),
        (np.array([1.5, 2.0]), "1.5, 2.0"),
        (np.array(["x"], dtype=object), "'x'"),
        ((one for one in "ab"), "'a', 'b'"),
    ],
)
def test_first_few(values, text):
    assert first_few(values) == text


def test_first_few_of_a_given_number():
    assert first_few("abc", 2) == "'a', 'b' and 1 more"


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("hybridals", ["als", "hybrid-als"], "; did you mean 'hybrid-als'?"),
        ("qwertz", ["als", "hybrid-als"], ""),
        (1235, [1234, 9], "; did you mean '1234'?"),
        ("x", [], ""),
    ],
)
def test_did_you_mean(name, known, text):
    assert did_you_mean(name, known) == text
