"""Lyrics on a melody: syllables, notes, and when each sound is sung."""

from pathlib import Path

import pytest

from melodia.errors import ConfigError, MidiError
from melodia.pronunciation.phonemes import STOPS, VOWELS
from melodia.score import PPQ, Note, Part, Score, Tempo
from melodia.synthesis.config import SongConfig
from melodia.synthesis.melody import SungNote, melody_of, moved_into, phrases_of, skyline, without_graces
from melodia.synthesis.song import DURATIONS, set_to
from melodia.synthesis.syllables import syllables_of

EXAMPLES = Path(__file__).parents[2] / "corpora" / "examples"


def score_of(*pitches, beats=1.0, bpm=60.0, gap=0):
    """Quarter notes of a second each; None for a rest."""
    length = int(beats * PPQ)
    notes = [Note(i * length, (i + 1) * length - gap, p, 70 + i) for i, p in enumerate(pitches) if p]
    return Score([Part("Melody", notes=notes)], [Tempo(0, bpm)])


def shape(lyrics):
    """Syllables of a line, apart by dots."""
    return [".".join("".join(u.sign for u in (*s.onset, s.vowel, *s.coda)) for s in line) for line in syllables_of(lyrics).lines]


def vowels(song):
    return [(one.unit.sign, round(one.onset - song.lead, 6), one.pitch) for one in song.sung if one.unit.sign in VOWELS]


@pytest.mark.parametrize("lyrics, syllables", [
    ("twinkle", "twɪŋ.kᵊl"), ("extra", "ɛk.stɹə"), ("singing", "sɪŋ.ɪŋ"), ("window", "wɪn.dO"), ("happy", "hæ.pi"),
    ("the strength of cats", "ðə.stɹɛŋθ.ʌv.kæts"), ("instrument", "ɪn.stɹə.mənt"), ("water", "wɔ.ɾəɹ"),
])  # fmt: skip
def test_consonants_belong_to_syllables(lyrics, syllables):
    assert shape(lyrics) == [syllables]


def test_lines_holds_and_hyphens():
    found = syllables_of("Twin-kle well-known_ __\n\n...\nstar __")
    assert found.words == ("twinkle", "well", "known", "star")
    assert [[s.num_notes for s in line] for line in found.lines] == [[1, 1, 1, 4], [3]]
    for wrong, message in (("_ love", "none in '_ love'"), ("\n...", "nothing in them"), ("", "nothing in them")):
        with pytest.raises(ConfigError, match=message):
            syllables_of(wrong)


def test_vowels_begin_with_their_notes():
    song = set_to("sing a happy song", score_of(60, 62, 64, 65, 67))
    assert vowels(song) == [("ɪ", 0, 60), ("ɐ", 1, 62), ("æ", 2, 64), ("i", 3, 65), ("ɔ", 4, 67)]
    assert song.lead == DURATIONS["s"] and song.sung[0].unit.sign == "s" and song.sung[0].onset == 0
    assert song.words == ("sing", "a", "happy", "song") and [n.pitch for n in song.notes] == [60, 62, 64, 65, 67]


def test_sounds_follow_one_another_without_a_gap():
    song = set_to("strength and _ cats, window", score_of(60, 62, 64, None, 65, 67, 69, gap=20))
    now = 0.0
    for one in song.sung:
        assert one.onset == pytest.approx(now) and one.duration > 0
        now += one.duration
    assert now == pytest.approx(song.seconds) and song.sung[-1].unit.sign in STOPS and song.sung[-1].pitch is None


def test_consonants_take_from_the_end_of_the_note_before_them():
    song = set_to("I see", score_of(60, 62))
    (first, s, _, *_) = song.sung
    assert (first.unit.sign, first.duration) == ("I", pytest.approx(1 - DURATIONS["s"])) and s.pitch == 62
    crowded = set_to("strengths strengths", score_of(60, 62, beats=0.25))
    first = next(one for one in crowded.sung if one.unit.sign == "ɛ")
    assert first.duration == pytest.approx(0.25 * 0.6)


def test_rests_are_silent_but_for_what_comes_next():
    song = set_to("I see", score_of(60, None, 62))
    silence = next(one for one in song.sung if one.pitch is None)
    assert (
        silence.unit.sign == "," and silence.onset == pytest.approx(1.0) and silence.duration == pytest.approx(1 - DURATIONS["s"])
    )
    late = set_to("I", score_of(None, 60))
    assert late.sung[0].pitch is None and late.sung[0].duration == pytest.approx(1.0) and late.lead == 0


def test_a_syllable_may_be_held_over_notes():
    song = set_to("I __ see", score_of(60, 62, 64, 65))
    assert vowels(song) == [("I", 0, 60), ("I", 1, 62), ("I", 2, 64), ("i", 3, 65)]
    assert [one.velocity for one in song.sung if one.unit.sign == "I"] == [70, 71, 72]


def test_a_line_has_its_phrase():
    song = set_to("I see\nyou", score_of(60, 62, 64, None, 65, 67))
    assert [v[0] for v in vowels(song)] == ["I", "i", "i", "u", "u"] and not song.left_over


def test_too_many_syllables_and_too_few():
    with pytest.raises(ConfigError, match="5 syllables for 3 notes"):
        set_to("one two three four five", score_of(60, 62, 64))
    notices = []
    song = set_to("one two", score_of(60, 62, 64, 65, 67), notices=notices.append)
    assert song.left_over == 3 and "last 3 of 5 notes have no words; --repeat begins the lyrics anew" in notices[0]
    assert len(song.notes) == 2
    again = set_to("one two", score_of(60, 62, 64, 65, 67), SongConfig(repeat=True))
    set_to("one two", score_of(60, 62, 64, 65, 67), SongConfig(repeat=True), notices=notices.append)
    assert len(notices) == 2 and "last 1 of 5" in notices[1] and "--repeat" not in notices[1]  # it would not help
    assert len(again.notes) == 4 and [v[0] for v in vowels(again)] == ["ʌ", "u", "ʌ", "u"]


def test_the_melody_comes_into_range_by_octaves_or_as_told():
    notices = []
    song = set_to("one two", score_of(90, 91), notices=notices.append)
    assert song.transposed == -24 and [n.pitch for n in song.notes] == [66, 67] and notices == ["sung 2 octaves lower"]
    assert set_to("one", score_of(60), SongConfig(transpose=3)).notes[0].pitch == 63
    with pytest.raises(ConfigError, match="it must stay from 33 to 86"):
        set_to("one", score_of(100), SongConfig(transpose=40))
    assert moved_into([SungNote(0, 1, 60, 80)], 52, 76) == 0 and moved_into([SungNote(0, 1, 30, 80)], 52, 76) == 24


def test_tempo():
    assert vowels(set_to("one two", score_of(60, 62), SongConfig(tempo=120)))[1][1] == 0.5
    with pytest.raises(ConfigError, match="tempo"):
        set_to("one", score_of(60), SongConfig(tempo=1000))


def test_the_part_that_is_sung():
    def part(name, pitch, drum=False):
        return Part(name, 0, drum, [Note(0, PPQ, pitch, 80)])

    score = Score([part("Bass", 40), part("Lead", 60), part("Strings", 80), part("Kit", 38, True)])
    assert melody_of(score)[0].pitch == 60
    assert melody_of(score, 1)[0].pitch == 40 and melody_of(score, "str")[0].pitch == 80
    with pytest.raises(ConfigError, match=r"no '4' to sing; the parts are: 1 Bass, 2 Lead, 3 Strings"):
        melody_of(score, "4")
    chords = Part("Piano", notes=[Note(0, PPQ, p, 80) for p in (70, 74, 77)])
    assert melody_of(Score([chords, part("", 65)]))[0].pitch == 65
    with pytest.raises(MidiError, match="nothing to sing"):
        melody_of(Score([part("Kit", 38, True)]))


def test_the_upper_line_is_sung():
    chord = [SungNote(0, 1, 60, 80), SungNote(0.01, 1, 64, 80), SungNote(0.5, 1, 55, 80), SungNote(1, 2, 62, 80)]
    assert [(n.onset, n.pitch) for n in skyline(chord)] == [(0.01, 64), (1, 62)]
    legato = [SungNote(0, 1.05, 64, 80), SungNote(1, 2, 62, 80), SungNote(1.5, 3, 67, 80)]
    assert [(n.pitch, n.offset) for n in skyline(legato)] == [(64, 1), (62, 1.5), (67, 3)]


def test_grace_notes_are_part_of_their_neighbours():
    notes = [SungNote(0, 0.05, 64, 80), SungNote(0.05, 1, 62, 80), SungNote(1, 1.05, 60, 80), SungNote(3, 3.02, 60, 80)]
    assert without_graces(notes) == [SungNote(0, 1.05, 62, 80), SungNote(3, 3.06, 60, 80)]
    assert phrases_of(without_graces(notes), 0.5) == [[0], [1]]


def test_the_example():
    song = set_to((EXAMPLES / "lyrics.txt").read_text(), Score.read(EXAMPLES / "tune.mid"))
    assert not song.left_over and len(song.notes) == 32 and len(vowels(song)) == 32
    assert [len(line) for line in syllables_of((EXAMPLES / "lyrics.txt").read_text()).lines] == [8] * 4


def test_lines_in_brackets_are_not_sung():
    assert set_to("[Chorus]\nla la", score_of(60, 62)).words == ("la", "la")


def test_what_no_voice_can_sing_is_refused():
    with pytest.raises(ConfigError, match="goes from pitch 100 to 102; it must stay from 33 to 86"):
        set_to("la la", score_of(60, 62), SongConfig(transpose=40))
