"""A second look at the texts that a search leaves."""

import numpy as np

from melodia.pronunciation.phonemes import SOUNDS
from melodia.pronunciation.pronounce import sounds_in
from melodia.recognition.rescore import second_look
from melodia.recognition.search import Found, SearchConfig
from melodia.text import letters_of, text_of


def found(text, score):
    letters = Found(letters_of(text))
    letters.score = score
    return letters


def heard(text):
    """Phonemes, each for a frame and a blank after it."""
    probs = np.full((2 * len(sounds_in(text)) + 1, len(SOUNDS) + 1), 1e-3)
    probs[:, 0] = 0.9
    for i, sound in enumerate(sounds_in(text)):
        probs[2 * i, [0, sound]] = 1e-3, 0.9
    return np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)


class Poet:
    """Knows one word."""

    def log_prob(self, words):
        return -5.0 * sum(word != "rain" for word in words)


TEXTS = [found("reign man", -1.0), found("rain can", -1.5), found("rayne can", -1.4)]


def looked(**weights):
    return text_of(second_look(TEXTS, heard("rain can"), Poet(), SearchConfig(**weights)))


def test_phonemes_and_words_weigh_in():
    assert looked() == "reign man"
    assert looked(sound_weight=0.5) == "rain can"  # rayne is in no dictionary
    assert looked(word_weight=0.5) == "rain can"
    assert looked(word_weight=0.05) == "reign man"


def test_texts_whose_phonemes_are_not_known_stand_last():
    texts = [found("qzx", 0.0), found("rain", -0.5)]
    assert text_of(second_look(texts, heard("rain"), None, SearchConfig(sound_weight=1.0))) == "rain"
    assert text_of(second_look(texts[:1], heard("rain"), None, SearchConfig(sound_weight=1.0))) == "qzx"
    assert text_of(second_look(texts[::-1], heard("rain")[:1], None, SearchConfig(sound_weight=1.0))) == "rain"  # none fits


def test_a_text_of_nothing_is_possible():
    texts = [found("", -1.0), found("a", -1.2)]
    assert text_of(second_look(texts, heard("")[:1], Poet(), SearchConfig(sound_weight=1.0, word_weight=1.0))) == ""
