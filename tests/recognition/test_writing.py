"""Transcripts as files: text, subtitles, JSON, TextGrid."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.errors import ConfigError
from melodia.recognition.subtitles import cues
from melodia.recognition.transcript import Segment, Transcript, Word
from melodia.recognition.writing import SUFFIXES, write_transcript


def said(text, onset=0.0, each=0.5):
    """A segment of words that take `each` seconds, one right after the other."""
    words = [Word(t, onset + i * each, onset + (i + 1) * each, 0.9) for i, t in enumerate(text.split())]
    return Segment(words, words[0].onset, words[-1].offset)


@pytest.fixture
def transcript():
    first = Segment([Word("good", 0.5, 0.75, 0.91236), Word("morning", 0.75, 1.5, 1.0)], 0.5, 1.5)
    return Transcript(segments=[first, said("r&b 'n' <noise>", 4.0, 0.25)], seconds=5.25)


def test_properties(transcript):
    assert transcript.text == "good morning r&b 'n' <noise>"
    assert [w.text for w in transcript.words] == ["good", "morning", "r&b", "'n'", "<noise>"]
    assert transcript.segments[0].text == "good morning"
    assert (transcript.start, transcript.messages) == (0.0, [])


FILES = {
    ".txt": "good morning\nr&b 'n' <noise>\n",
    ".srt": """\
1
00:00:00,500 --> 00:00:01,500
good morning

2
00:00:04,000 --> 00:00:05,000
r&b 'n' <noise>
""",
    ".vtt": """\
WEBVTT

00:00:00.500 --> 00:00:01.500
good morning

00:00:04.000 --> 00:00:05.000
r&amp;b 'n' &lt;noise&gt;
""",
    ".TextGrid": """\
File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 5.25
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 5.25
        intervals: size = 8
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 0.75
            text = "good"
""",
}


@pytest.mark.parametrize("suffix", [".txt", ".srt", ".vtt"])
def test_files_are_as_expected(tmp_path, transcript, suffix):
    path = write_transcript(tmp_path / f"new/voice{suffix.upper()}", transcript)
    assert path == tmp_path / f"new/voice{suffix.upper()}"
    assert path.read_bytes().decode() == FILES[suffix]


def test_json_has_all_of_it(tmp_path, transcript):
    text = write_transcript(str(tmp_path / "voice.json"), transcript).read_text("utf-8")
    assert text.startswith('{\n  "text": "good')
    content = json.loads(text)
    assert list(content) == ["text", "seconds", "words", "segments"]
    assert content["seconds"] == 5.25
    assert content["words"][0] == {"text": "good", "onset": 0.5, "offset": 0.75, "confidence": 0.912}
    assert content["segments"][1] == {"text": "r&b 'n' <noise>", "onset": 4.0, "offset": 4.75}


def tiers_of(text):
    """A TextGrid as {tier: [(onset, offset, text)]}, its sizes checked."""
    head, *items = re.split(r"\n    item \[\d+\]:\n", text)
    assert f"size = {len(items)}\n" in head
    tiers = {}
    for item in items:
        size = int(re.search(r"intervals: size = (\d+)", item)[1])
        rows = re.findall(r"intervals \[(\d+)\]:\n +xmin = (\S+)\n +xmax = (\S+)\n +text = \"((?:[^\"]|\"\")*)\"", item)
        assert [int(row[0]) for row in rows] == list(range(1, size + 1))
        name = re.search('name = "(.*)"', item)[1]
        tiers[name] = [(float(a), float(b), t.replace('""', '"')) for _, a, b, t in rows]
    return tiers


def test_textgrid(tmp_path, transcript):
    text = write_transcript(tmp_path / "voice.TextGrid", transcript).read_text("utf-8")
    assert text.startswith(FILES[".TextGrid"])
    assert tiers_of(text)["segments"] == [
        (0, 0.5, ""),
        (0.5, 1.5, "good morning"),
        (1.5, 4, ""),
        (4, 4.75, "r&b 'n' <noise>"),
        (4.75, 5.25, ""),
    ]


def test_textgrid_mends_overlaps_slivers_and_words_of_no_length(tmp_path):
    rows = [("a", 0.0002, 1.0), ("b", 0.75, 1.5), ("c", 1.5004, 2.0), ('"d"', 2.5, 2.5), ("e", 2.5, 9.0)]
    segment = Segment([Word(t, a, b, 1.0) for t, a, b in rows], 0.0, 9.0)
    text = write_transcript(tmp_path / "v.textgrid", Transcript(segments=[segment], seconds=3.0)).read_text("utf-8")
    assert tiers_of(text)["words"] == [
        (0, 0.75, "a"),
        (0.75, 1.5004, "b"),
        (1.5004, 2, "c"),
        (2, 2.5, ""),
        (2.5, 2.501, '"d"'),
        (2.501, 3, "e"),
    ]


def test_nothing_said(tmp_path):
    nothing = Transcript(segments=[], seconds=2.0, messages=["silence"])
    texts = {suffix: write_transcript(tmp_path / f"v{suffix}", nothing).read_text("utf-8") for suffix in SUFFIXES}
    assert (texts[".txt"], texts[".srt"], texts[".vtt"]) == ("", "", "WEBVTT\n")
    assert json.loads(texts[".json"]) == {"text": "", "seconds": 2.0, "words": [], "segments": []}
    assert tiers_of(texts[".TextGrid"]) == {"words": [(0, 2, "")], "segments": [(0, 2, "")]}
    none = write_transcript(tmp_path / "none.TextGrid", Transcript(segments=[], seconds=0.0)).read_text("utf-8")
    assert tiers_of(none) == {"words": [], "segments": []}


def test_refusals(tmp_path, transcript):
    with pytest.raises(
        ConfigError, match=r"output: voice.doc is no kind of transcript; .* \.txt, \.srt, \.vtt, \.json, \.TextGrid"
    ):
        write_transcript(tmp_path / "voice.doc", transcript)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_transcript(tmp_path / "file" / "voice.txt", transcript)


def test_lines_are_balanced_and_long_speech_is_cut():
    text = "the quick brown fox jumps over the lazy dog and runs"
    assert cues(Transcript(segments=[said(text)], seconds=9.0))[0].lines == [
        "the quick brown fox jumps",
        "over the lazy dog and runs",
    ]
    shown = cues(Transcript(segments=[said(" ".join([text] * 3))], seconds=20.0))
    assert len(shown) == 3  # 33 words in 16.5 seconds
    assert {len(cue.lines) for cue in shown} == {2}


def test_a_cue_ends_at_a_pause_rather_than_at_its_longest():
    first, second = (
        said("it was late and nobody had come", 0.0, 0.4),
        said("so at last we went home again by the old road", 3.2, 0.4),
    )
    whole = Segment(first.words + second.words, 0.0, second.offset)
    assert [" ".join(c.lines) for c in cues(Transcript(segments=[whole], seconds=9.0))] == [first.text, second.text]


def test_cues_stay_long_enough_to_read_where_there_is_room():
    fast = "incomprehensible characterisations"  # 34 characters: two seconds
    shown = cues(Transcript(segments=[said(fast, 0.0, 0.2), said("yes", 1.5, 0.2), said("no", 9.7, 0.1)], seconds=10.0004))
    assert [(c.onset_ms, c.offset_ms) for c in shown] == [(0, 1500), (1500, 2500), (9700, 10000)]
    shown = cues(Transcript(segments=[said(fast, 0.0, 0.2), said("a", 5.0, 20.0)], seconds=30.0))
    assert [(c.onset_ms, c.offset_ms) for c in shown] == [(0, 2000), (5000, 12000)]


def test_hours_are_told(tmp_path):
    late = Transcript(segments=[said("late", 3600 * 2 + 61.5)], seconds=10_000.0, start=7000.0)
    assert "\n02:01:01,500 --> 02:01:02,500\n" in write_transcript(tmp_path / "v.srt", late).read_text("utf-8")


@st.composite
def transcripts(draw):
    """Words in order of onset, some over one another, of no length, or past the end."""
    segments, now = [], 0.0
    for _ in range(draw(st.integers(0, 4))):
        words = []
        for _ in range(draw(st.integers(1, 30))):
            now += draw(st.sampled_from([0.0, 0.0001, 0.04, 0.3, 2.0]))
            length = draw(st.sampled_from([0.0, 0.1, 0.3, 1.0, 9.0]))
            words.append(Word("x" * draw(st.sampled_from([1, 2, 3, 5, 8, 13, 41, 42, 43, 100])), now, now + length, 0.5))
            now += draw(st.sampled_from([0.0, length]))
        segments.append(Segment(words, words[0].onset, words[-1].offset))
    return Transcript(segments=segments, seconds=now + draw(st.floats(0.6, 3.0)))


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_cues_keep_to_their_bounds(transcript):
    shown = cues(transcript)
    assert "".join("".join(c.lines) for c in shown).replace(" ", "") == transcript.text.replace(" ", "")
    assert len(shown) >= len(transcript.segments)
    for cue, until in zip(shown, [*(c.onset_ms for c in shown), transcript.seconds * 1000][1:], strict=True):
        assert 0 <= cue.onset_ms < cue.offset_ms <= until
        assert cue.offset_ms - cue.onset_ms <= 7000
        assert len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 for line in cue.lines)
        needed = max(1000, min(7000, len(" ".join(cue.lines)) / 17 * 1000 - 1))
        assert cue.offset_ms - cue.onset_ms >= min(needed, int(until) - cue.onset_ms)


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_textgrids_have_no_holes(tmp_path_factory, transcript):
    path = tmp_path_factory.mktemp("grid") / "v.TextGrid"
    tiers = tiers_of(write_transcript(path, transcript).read_text("utf-8"))
    assert [t for _, _, t in tiers["words"] if t] == [w.text for w in transcript.words]
    assert [t for _, _, t in tiers["segments"] if t] == [s.text for s in transcript.segments]
    for rows in tiers.values():
        assert (rows[0][0], rows[-1][1]) == (0, pytest.approx(transcript.seconds, abs=1e-6))
        assert all(a < b for a, b, _ in rows)
        assert all(before[1] == after[0] for before, after in pairwise(rows))
        assert not any(before[2] == after[2] == "" for before, after in pairwise(rows))
