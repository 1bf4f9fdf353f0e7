"""Sentences as a whole."""

import numpy as np
import pytest

import melodia
from melodia.audio import trimmed
from melodia.synthesis.speak import AFTER_SECONDS, Said
from melodia.synthesis.spoken import Speech, SpokenWord, ended


def test_speech_is_told_in_a_line():
    words = [SpokenWord("a", "ɐ", 0.0, 0.2), SpokenWord("cat", "kˈæt", 0.2, 0.9)]
    speech = Speech(waveform=np.zeros(36_000, np.float32), sample_rate=24_000, pitch=np.zeros(150, np.float32), words=words)
    assert repr(speech) == "Speech(1.50 s, 2 words, 24000 Hz)"


def test_the_end_is_a_quarter_of_a_second_of_silence():
    waveform = np.zeros(48_000, np.float32)
    waveform[2400:24_000] = 0.5
    spans = [(0.1, 0.8), (0.8, 1.6)]
    found = ended(Said(waveform, 24_000, spans, np.full(200, 100, np.float32), 100.0))
    assert len(found.waveform) / 24_000 == pytest.approx(1 + AFTER_SECONDS, abs=0.011)
    assert len(found.pitch) * 240 == len(found.waveform) and found.spans[0] == (0.1, 0.8)
    assert found.spans[1] == pytest.approx((0.8, 1.0), abs=0.011)  # what has died away is no word
    whole = waveform + 0.1
    assert len(ended(Said(whole, 24_000, spans, np.zeros(200, np.float32), 100.0)).waveform) == len(whole)


def test_speech_ends_soon_and_sentences_have_a_pause_between():
    voice = melodia.load_checkpoint("voice")

    def silence(text):
        speech = melodia.speak(text, voice=voice)
        return speech, speech.seconds - len(trimmed(speech.waveform, -50.0, 0)) / speech.sample_rate

    for text in ("The rain fell.", "Was it you?"):
        assert silence(text)[1] == pytest.approx(0.25, abs=0.02)
    assert silence("The rain fell. [pause 1s]")[1] > 1.0
    speech, after = silence("It fell. It was late.")
    before, next_one = speech.words[1], speech.words[2]
    assert 0.4 < next_one.onset - before.offset < 1.2 and after == pytest.approx(0.25, abs=0.02)
    assert speech.words[-1].offset == pytest.approx(speech.seconds - 0.25, abs=0.02)
