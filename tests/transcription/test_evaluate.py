import copy
from dataclasses import replace

import numpy as np
import pytest

from melodia.errors import CorpusError
from melodia.transcription.decode import DecodeConfig
from melodia.transcription.evaluate import choose_thresholds, evaluate, frame_f1, items_of_folder, score_notes
from melodia.transcription.notes import make_notes


def test_scores_counted_by_hand():
    reference = make_notes([(0.0, 1.0, 60, 80), (1.0, 2.0, 62, 40), (2.0, 3.0, 64, 120), (3.0, 4.0, 65, 60)])
    estimate = make_notes([(0.03, 1.0, 60, 80), (1.08, 2.0, 62, 40), (2.0, 2.3, 64, 120), (5.0, 6.0, 70, 60)])
    scores = score_notes(reference, estimate)
    assert scores["onset_50"] == pytest.approx(2 * 2 / 8)  # 60 and 64
    assert scores["onset_100"] == pytest.approx(2 * 3 / 8)  # and 62
    assert scores["onset_offset_50"] == pytest.approx(2 * 1 / 8)  # 60 alone ends in time
    assert scores["onset_offset_velocity_50"] == pytest.approx(2 * 1 / 8)
    assert score_notes(reference, reference) == dict.fromkeys(scores, 1.0)
    assert score_notes(reference, make_notes())["onset_50"] == 0 and score_notes(make_notes(), make_notes())["frames"] == 1


def test_velocities_are_compared_after_a_linear_fit():
    reference = make_notes([(i, i + 0.5, 60 + i, 40 + 10 * i) for i in range(6)])
    scaled = reference.copy()
    scaled[:, 3] = scaled[:, 3] / 2 + 5
    assert score_notes(reference, scaled)["onset_offset_velocity_50"] == pytest.approx(1.0)
    wrong = reference.copy()
    wrong[:, 3] = [90, 40, 90, 40, 90, 40]
    assert score_notes(reference, wrong)["onset_offset_velocity_50"] < 0.7


def test_frames_are_cells_of_ten_milliseconds():
    reference, estimate = make_notes([(0.0, 1.0, 60, 80)]), make_notes([(0.5, 1.5, 60, 80)])
    assert frame_f1(reference, estimate) == pytest.approx(0.5)


def test_a_folder_is_measured(folder, small):
    items = items_of_folder(folder, small.config.features)
    assert [item.name for item in items] == [f"{i}.flac" for i in range(6)]
    seen = []
    report = evaluate(small, items, seen.append)
    assert seen == [1, 2, 3, 4, 5, 6] and report["recordings"] == 6
    assert report["onset_50"] == pytest.approx(np.mean([r["onset_50"] for r in report["rows"]]))
    assert 0.3 < report["onset_100"] <= 1 and report["compute"] > 0
    (folder / "1.flac").write_bytes(b"no sound")
    (folder / "2.tsv").write_text("1\t2\t60.5\t80\n")
    (folder / "3.tsv").write_text("1\t90000\t60\t80\n")  # no time to make room for
    report = evaluate(small, items_of_folder(folder, small.config.features))
    assert report["recordings"] == 4 and sum("error" in row for row in report["rows"]) == 2
    with pytest.raises(CorpusError, match="no recordings with their notes beside them"):
        items_of_folder(folder.parent / "empty", small.config.features)


def test_thresholds_are_those_that_score_best(folder, small):
    items = items_of_folder(folder, small.config.features)[:2]
    deaf = copy.copy(small)
    deaf.config = replace(small.config, decode=DecodeConfig(onset=0.99))
    before = evaluate(deaf, items)
    chosen, scores = choose_thresholds(deaf, items)
    assert scores["onset_50"] > before["onset_50"] and scores["frames"] > before["frames"]
    deaf.config = replace(small.config, decode=chosen)
    assert evaluate(deaf, items)["onset_50"] == pytest.approx(scores["onset_50"], abs=0.02)
