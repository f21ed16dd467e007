"""Pseudonyms: the same under one key, unlike under another, and never the wrong ones unseen."""

from __future__ import annotations

import hmac
import warnings
from hashlib import sha256

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybridrec as hr
from hybridrec.errors import DataError, ParameterError
from hybridrec.privacy import Pseudonyms
from hybridrec.privacy.pseudonyms import KEY_VARIABLE

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"


@pytest.fixture
def pseudonyms():
    return Pseudonyms(KEY)


def test_a_pseudonym_is_the_hmac_of_kind_and_id(pseudonyms):
    message = b"hybridrec pseudonym 1" + b"\0user\0" + b"alice"
    expected = hmac.new(KEY, message, sha256).hexdigest()[:32]
    (found,) = pseudonyms.of(["alice"])
    assert found == f"{pseudonyms.check}-{expected}"
    assert len(pseudonyms.check) == 6


@given(st.lists(st.text(), min_size=1))
def test_ids_and_pseudonyms_are_one_to_one(ids):
    found = Pseudonyms(KEY).of(ids)
    assert len(set(found)) == len(set(ids))
    assert dict(zip(ids, found, strict=True)) == dict(
        zip(ids, Pseudonyms(KEY).of(ids), strict=True)
    )


def test_numbers_and_their_texts_are_the_same_id(pseudonyms):
    np.testing.assert_array_equal(pseudonyms.of([7, -1, 7]), pseudonyms.of(["7", "-1", "7"]))


def test_users_and_items_are_kept_apart(pseudonyms):
    assert pseudonyms.of([1], "user")[0] != pseudonyms.of([1], "item")[0]


def test_a_wrong_key_is_recognised(pseudonyms):
    made = pseudonyms.of(["a", "b"])
    pseudonyms.verify(made)
    other = Pseudonyms(OTHER)
    assert not set(made) & set(other.of(["a", "b"]))
    with pytest.raises(DataError, match=f"wrong key: .*'{pseudonyms.check}', this.*{other.check}"):
        other.verify(made)
    with pytest.raises(DataError, match="'a' are no pseudonyms"):
        pseudonyms.verify([*made, "a"])
    with pytest.raises(DataError, match="are pseudonyms already"):
        pseudonyms.of(made)
    with pytest.raises(DataError, match="are pseudonyms already"):
        other.of(["c", *made])


def test_collisions_are_never_passed_over(pseudonyms, monkeypatch):
    monkeypatch.setattr(Pseudonyms, "_digits", lambda self, kind, text: text[0] * 32)
    with pytest.raises(DataError, match=r"\('a1', 'a2'\) would get the same pseudonym"):
        pseudonyms.of(["a1", "b", "a2"])


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 64, b"0123456789abcdef0123456789abcde"])
def test_weak_keys_are_refused(key):
    with pytest.raises(ParameterError, match="at least 32 random characters"):
        Pseudonyms(key)


def test_keys_from_files_and_the_environment(tmp_path, monkeypatch, pseudonyms):
    path = tmp_path / "key"
    path.write_bytes(b"\n" + KEY + b" \n")
    path.chmod(0o644)
    with pytest.warns(UserWarning, match="others may read the key"):
        assert Pseudonyms.from_file(path).check == pseudonyms.check
    path.chmod(0o600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Pseudonyms.from_file(path).check == pseudonyms.check
    with pytest.raises(ParameterError, match="cannot read the key"):
        Pseudonyms.from_file(tmp_path / "none")
    monkeypatch.setenv(KEY_VARIABLE, KEY.decode())
    assert Pseudonyms.from_environment().check == pseudonyms.check
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(ParameterError, match="holds no key"):
        Pseudonyms.from_environment()


def test_the_key_is_nowhere_in_what_comes_out(pseudonyms):
    shown = repr(vars(pseudonyms)) + repr(pseudonyms.of(["a"])) + repr(pseudonyms)
    assert KEY.decode() not in shown


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_all_else(make, pseudonyms):
    frame = make({"stars": [1.5, 2.0], "userId": [3, 4], "movieId": [5, 5]})
    found = pseudonyms.frame(frame)
    assert type(found) is type(frame)
    assert list(found.columns) == ["stars", "userId", "movieId"]
    assert list(found["userId"]) == list(pseudonyms.of([3, 4]))
    assert list(found["movieId"]) == [5, 5]
    assert list(frame["userId"]) == [3, 4]
    both = pseudonyms.frame(frame, items=True)
    assert list(both["movieId"]) == list(pseudonyms.of([5, 5], "item"))
    assert list(pseudonyms.frame(frame, user="movieId")["movieId"]) == list(pseudonyms.of([5, 5]))
    with pytest.raises(DataError, match="no column 'usr'"):
        pseudonyms.frame(frame, user="usr")


def test_models_of_pseudonyms_recommend_the_same(pseudonyms):
    frame = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": [*"abbca"]})
    rows = hr.Dataset.build(frame).interactions
    hidden = pseudonyms.interactions(rows)
    plain = hr.ItemKNN(num_threads=1).fit(rows).recommend([1, 3], k=2)
    found = hr.ItemKNN(num_threads=1).fit(hidden).recommend(pseudonyms.of([1, 3]), k=2)
    assert found["item"].tolist() == plain["item"].tolist()
    assert set(pseudonyms.interactions(rows, items=True).items.ids) == set(
        pseudonyms.of([*"abc"], "item")
    )
