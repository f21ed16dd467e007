from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.ranking.rerank import Calibrated

SCORES = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_the_list_takes_over_the_mix_of_the_history(ordered):
    # Half War, half Love. Alone, film 2 has just this mix; then pairs of War and Love keep it.
    calibrated = Calibrated("genres", weight=1)
    assert ordered(calibrated, SCORES, history=[2]) == [2, 5, 0, 3, 1, 4]
    # With all of the weight, one without a genre (5) costs nothing, and so comes second.


def test_only_one_genre_is_wanted(ordered):
    # Love alone. Halves: film 0 has .73 - 4.61 / 2 (ln 100), film 2 .15 - .68 / 2 (-ln .505), film
    # 3 -.15. Then 0 makes it half and half: .73 - .68 / 2; film 2 three quarters: .15 - .28 / 2.
    assert ordered(Calibrated("genres", weight=1), SCORES, history=[3, 4])[:3] == [3, 4, 5]
    assert ordered(Calibrated("genres", weight=0.5), SCORES, history=[3, 4])[:2] == [3, 0]


@pytest.mark.parametrize("history", [[], [5]])
def test_without_a_mix_to_follow_the_order_stays(ordered, history):
    assert ordered(Calibrated("genres", weight=0.9), SCORES, history) == [0, 1, 2, 3, 4, 5]


def test_no_weight_keeps_the_order(ordered):
    assert ordered(Calibrated("genres", weight=0), np.zeros(6), [3]) == [0, 1, 2, 3, 4, 5]


def test_a_column_that_is_not_there(ordered):
    with pytest.raises(ParameterError, match="no column 'genre'; did you mean 'genres'"):
        ordered(Calibrated("genre"), SCORES)
