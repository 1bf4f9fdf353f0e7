import numpy as np
import pytest

from melodia.splits import NUM_HASHES, assign_splits, minhash, near_duplicates


def test_signatures_agree_in_the_share_that_sets_have_in_common():
    a, b = list(range(3000)), list(range(1000, 4000))
    assert (minhash(a) == minhash(b)).mean() == pytest.approx(0.5, abs=0.2)
    assert (minhash(a) == minhash(a[::-1])).all()
    assert (minhash(a) == minhash(range(10_000, 13_000))).mean() < 0.1
    assert minhash(a).shape == (NUM_HASHES,)
    with pytest.raises(ValueError):
        minhash([])


def test_near_duplicates_are_joined_one_to_the_next():
    sets = [range(0, 1000), range(5000, 6000), range(200, 1200), range(400, 1400), range(9000, 9100)]
    signatures = np.stack([minhash(list(s)) for s in sets])
    assert near_duplicates(signatures, 0.45).tolist() == [0, 1, 0, 0, 4]
    assert near_duplicates(signatures[:1], 0.45).tolist() == [0]


def test_groups_are_never_divided_and_given_splits_win():
    groups = [0, 0, 2, 3, 3]
    splits = assign_splits(groups, list("abcde"), ["train", "test", None, None, "valid"], 0.1)
    assert splits[:2] == ["test", "test"] and splits[3:] == ["valid", "valid"]


@pytest.mark.parametrize(
    "count, held_out, expected",
    [
        (1, 0.05, (1, 0, 0)),
        (2, 0.4, (1, 1, 0)),
        (3, 0.3, (1, 1, 1)),
        (5, 0.3, (1, 2, 2)),
        (22, 0.05, (18, 2, 2)),
        (22, 0.2, (14, 4, 4)),
        (99, 0.1, (79, 10, 10)),
    ],
)
def test_small_corpora_hold_out_exactly(count, held_out, expected):
    splits = assign_splits(list(range(count)), [f"song {i}" for i in range(count)], [None] * count, held_out)
    assert (splits.count("train"), splits.count("valid"), splits.count("test")) == expected


def test_a_piece_stays_in_its_split_when_others_join():
    names = [f"song {i}" for i in range(2000)]
    many = assign_splits(list(range(2000)), names, [None] * 2000, 0.05)
    few = assign_splits(list(range(1000)), names[:1000], [None] * 1000, 0.05)
    assert many[:1000] == few
    assert 60 < many.count("valid") < 140 and 60 < many.count("test") < 140


def test_one_piece_is_trained_on():
    assert assign_splits([0], ["a"], [None], 0.001) == ["train"]
