from __future__ import annotations

from hybridrec.models.kept import kept


class Owner:
    pass


def test_it_is_made_once_for_the_same_objects():
    owner, made = Owner(), []
    first, second = [1], [1]
    for parts in ((first,), (first,), (second,), (second,), (first,)):
        found = kept(owner, "it", parts, lambda: made.append(1) or len(made))
        assert found == len(made)
    assert len(made) == 3  # equal is not the same


def test_names_and_owners_are_apart():
    one, other = Owner(), Owner()
    assert kept(one, "a", (), lambda: 1) == 1
    assert kept(one, "b", (), lambda: 2) == 2
    assert kept(other, "a", (), lambda: 3) == 3
    assert kept(one, "a", (), lambda: 4) == 1
