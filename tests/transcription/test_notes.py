import numpy as np
import pytest

from melodia.errors import CorpusError
from melodia.score import PPQ, Control, Meter, Note, Part, Score, Tempo
from melodia.transcription.notes import make_notes, pedal_of_midi, read_notes, read_table, write_notes


def test_tables_go_out_and_come_in(tmp_path):
    notes = make_notes([(1.0, 2.0, 64, 90), (0.5, 1.5, 60, 80)])
    assert notes[0, 2] == 60  # in order
    write_notes(tmp_path / "n.tsv", notes)
    np.testing.assert_allclose(read_notes(tmp_path / "n.tsv"), notes)
    write_notes(tmp_path / "n.csv", notes, ",")
    assert (tmp_path / "n.csv").read_text().splitlines()[:2] == ["onset,offset,pitch,velocity", "0.5000,1.5000,60,80"]
    write_notes(tmp_path / "none.tsv", make_notes())
    assert read_notes(tmp_path / "none.tsv").shape == (0, 4)


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\n",
        "1\t2\n",
        "2\t1\t60\t80\n",
        "nan\t1\t60\t80\n",
        "-1\t1\t60\t80\n",
        "0\t1\t60.5\t80\n",
        "0\t1\t60\t300\n",
        "1\t1e300\t60\t50\n",
    ],
)
def test_bad_tables_name_the_file(tmp_path, text):
    (tmp_path / "bad.tsv").write_text(text)
    with pytest.raises(CorpusError, match="bad.tsv: line 1: .* is no row of onset, offset, pitch, velocity"):
        read_table(tmp_path / "bad.tsv")


def test_tables_with_commas_and_a_header_are_read(tmp_path):
    (tmp_path / "n.tsv").write_text("onset,offset,pitch,velocity\n0.5,1.5,60,80\n")
    np.testing.assert_allclose(read_notes(tmp_path / "n.tsv"), [(0.5, 1.5, 60, 80)])


def test_midi_in_seconds_with_pedal_and_tempos(tmp_path):
    notes = [Note(0, PPQ, 60, 80), Note(2 * PPQ, 3 * PPQ, 62, 90)]
    controls = [Control(PPQ // 2, 64, 127), Control(PPQ * 3 // 2, 64, 0)]
    drums = Part("kit", 0, True, [Note(0, PPQ, 36, 100)], channel=9)
    score = Score([Part("p", 0, notes=notes, controls=controls), drums], [Tempo(0, 120.0), Tempo(2 * PPQ, 60.0)], [Meter(0, 4, 4)])
    score.write(tmp_path / "song.mid")
    found = read_notes(tmp_path / "song.mid")
    np.testing.assert_allclose(found, [(0, 0.75, 60, 80), (1.0, 2.0, 62, 90)], atol=1e-3)  # the pedal holds the first
    np.testing.assert_allclose(pedal_of_midi(score), [(0.25, 0.75)])
    assert pedal_of_midi(Score([Part(notes=notes)])) is None
