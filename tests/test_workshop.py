import pytest

import melodia
from tests.composition.test_prepare import tune


def test_from_a_folder_to_music(tmp_path):
    for i in range(6):
        tune(i).write(tmp_path / "music" / f"{i}.mid")
    seen = []
    corpus = melodia.prepare(tmp_path / "music", tmp_path / "corpus", held_out=0.2, progress=lambda *a: seen.append(a))
    assert seen[-1] == ("reading", 6, 6) and len(corpus.pieces("train")) >= 2

    def report(progress, trainer):
        if progress.iteration == 5:
            trainer.stop()

    small = {"hidden_size": 16, "batch_size": 2, "length": 20, "validate_every": 2}
    info = melodia.train(corpus, tmp_path / "model", iterations=50, **small, report=report)
    assert info.training["iterations"] == 6 and info.training["best_iteration"] in (2, 4, 6)
    info = melodia.train(corpus, tmp_path / "model", iterations=8, **small, resume=True)
    assert info.training["iterations"] == 8
    take = melodia.generate(tmp_path / "music" / "0.mid", bars=1, model=tmp_path / "model")
    assert take.num_notes >= tune(0).num_notes
    with pytest.raises(melodia.MelodiaError, match="unknown setting 'colour'"):
        melodia.train(corpus, tmp_path / "x", colour="red")
    with pytest.raises(melodia.MelodiaError, match="unknown setting 'processes'"):
        melodia.prepare(tmp_path / "music", tmp_path / "c2", processes=3)
