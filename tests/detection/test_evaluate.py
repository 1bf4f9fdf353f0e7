import numpy as np
import pytest
import soundfile

from melodia.detection.evaluate import Heard, choose_temperature, clips_of_folder, cuts, hear_all, score
from melodia.errors import CorpusError
from tests.detection.conftest import RATE, tune


def test_a_folder_is_counted_by_kind_and_source(folder, small):
    (folder / "neither.flac").unlink()
    soundfile.write(folder / "music" / "a" / "quiet.wav", 1e-3 * tune(), RATE, subtype="FLOAT")  # left out
    heard = hear_all(small, clips_of_folder(folder, small.config.features))
    assert len(heard) == 32 and {h.name for h in heard} == {f"{i}.flac" for i in range(8)}  # of 5 s and of one
    scores = score(heard, 1.0)
    assert scores["right"] > 0.9 and set(scores["sources"]) == {"music/a", "music/b", "speech/a", "speech/b"}
    assert scores["kinds"]["speech"]["clips"] == 16


def test_scores_counted_by_hand():
    logit = float(np.log(3))  # a sureness of .75
    heard = [Heard("speech", "a", "1", logit), Heard("music", "b", "2", logit), Heard("music", "b", "3", -logit)]
    scores = score(heard, 1.0)
    assert scores["right"] == pytest.approx(2 / 3) and scores["unsure"] == 1 and scores["sure_right"] == 1
    assert scores["calibration"] == pytest.approx(0.75 - 2 / 3)
    assert scores["nats"] == pytest.approx((2 * np.log(4 / 3) + np.log(4)) / 3)
    assert scores["sources"] == {"music/b": {"clips": 2, "right": 0.5}, "speech/a": {"clips": 1, "right": 1.0}}


def test_the_temperature_makes_probabilities_honest():
    random = np.random.default_rng(0)
    heard = []
    for logit in random.normal(size=4000) * 2:
        kind = "speech" if random.random() < 1 / (1 + np.exp(-logit)) else "music"
        heard.append(Heard(kind, "", "", float(logit) * 4))  # four times too sure
    assert choose_temperature(heard) == pytest.approx(4, rel=0.15)
    assert score(heard, choose_temperature(heard))["calibration"] < 0.03 < score(heard, 1.0)["calibration"]


def test_recordings_are_cut_anywhere():
    random = np.random.default_rng(0)
    assert cuts(4 * 100, 100, random) == [(0, 400)] and cuts(99, 100, random) == []
    found = cuts(3000, 100, random)
    assert all(to - at == 500 for at, to in found[:-1]) and 0 < found[0][0] < 500 and 2900 <= found[-1][1] <= 3000


def test_nothing_to_measure_on_is_refused(tmp_path, small):
    with pytest.raises(CorpusError, match="no recordings in it"):
        list(clips_of_folder(tmp_path, small.config.features))
    with pytest.raises(CorpusError, match="no clips to measure on"):
        score([], 1.0)
