"""What a language model, a word list and pruning do to the search."""

import numpy as np
import pytest

from melodia.errors import ConfigError
from melodia.recognition.search import Search, SearchConfig
from melodia.recognition.words import Vocabulary, WordList
from melodia.text import ALPHABET, letters_of, text_of

LETTERS = len(ALPHABET) + 1


def heard(*frames):
    """Log-probabilities of frames, each a dict of characters and their shares; the rest goes to the blank."""
    rows = np.full((len(frames), LETTERS), 1e-6)
    for row, frame in zip(rows, frames, strict=True):
        for character, share in frame.items():
            row[letters_of(character)[0]] = share
        row[0] = max(1 - row[1:].sum(), 1e-6)
    return np.log(rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


class Likes:
    """A language model that expects the letters of a text in turn."""

    def __init__(self, text):
        self.letters = [*letters_of(text), 0]

    def row(self, place):
        row = np.full(LETTERS, np.log(0.1 / LETTERS), np.float32)
        row[self.letters[min(place, len(self.letters) - 1)]] = np.log(0.9)
        return row

    def begin(self):
        return 0, self.row(0)

    def advance(self, states, letters):
        places = [
            s + 1 if letter == self.letters[min(s, len(self.letters) - 1)] else 99
            for s, letter in zip(states, letters, strict=True)
        ]
        return places, np.stack([self.row(place) for place in places])


UNCLEAR = heard({"c": 0.9}, {}, {"a": 0.5, "u": 0.45}, {}, {"t": 0.9})


def said(search, log_probs=UNCLEAR):
    return text_of(search(log_probs))


def test_a_language_model_decides_what_the_sound_leaves_open():
    config = SearchConfig(language_weight=1.0, letter_bonus=0.5)
    assert said(Search(config)) == "cat"
    assert said(Search(config, Likes("cut"))) == "cut"
    assert said(Search(SearchConfig(language_weight=0.3, letter_bonus=0.5), Likes("dog"))) == "cat"  # against the sound
    assert said(Search(SearchConfig(language_weight=0.0), Likes("cut"))) == "cat"


def test_words_are_preferred_or_the_only_ones():
    assert said(Search(SearchConfig(), words=WordList(["cut", "dog"]))) == "cut"
    assert said(Search(SearchConfig(), words=WordList(["cut", "dog"], boost=0))) == "cat"
    assert said(Search(SearchConfig(lowest=-20), words=WordList(["dog", "cut"], only=True))) == "cut"
    assert said(Search(SearchConfig(), words=WordList(["cutter"], only=True))) == ""  # no half words
    half = heard({"n": 0.9}, {}, {"o": 0.9}, {" ": 0.9}, {"c": 0.99}, {"u": 0.99}, {"t": 0.99}, {}, {"t": 0.99})
    assert said(Search(SearchConfig(), words=WordList(["no", "cutter"], only=True)), half) == "no"
    two = heard({"n": 0.9}, {}, {"o": 0.9}, {" ": 0.9}, {"n": 0.4, "m": 0.5}, {}, {"o": 0.9})
    assert said(Search(SearchConfig()), two) == "no mo"
    assert said(Search(SearchConfig(lowest=-20), words=WordList(["no", "yes"], only=True)), two) == "no no"


def test_words_that_no_dictionary_has_are_less_likely():
    open_ended = heard(
        {"c": 0.9}, {}, {"a": 0.4, "x": 0.5}, {}, {"t": 0.9}, {" ": 0.9}, {"d": 0.9}, {}, {"o": 0.9}, {"g": 0.6, "x": 0.3}
    )
    assert said(Search(SearchConfig()), open_ended) == "cxt dog"
    assert said(Search(SearchConfig(), words=Vocabulary(1.0)), open_ended) == "cat dog"
    assert said(Search(SearchConfig(), words=Vocabulary(1.0, WordList(["cxt"], boost=0.0))), open_ended) == "cxt dog"
    assert said(Search(SearchConfig(), words=Vocabulary(1.0, WordList(["dox"], boost=1.0))), open_ended) == "cat dox"
    assert said(Search(SearchConfig(), words=Vocabulary(0.1)), open_ended) == "cxt dog"


def test_a_word_that_is_not_finished_gains_nothing():
    words = WordList(["cutter"], boost=2.0)
    place, gained = words.begin(), 0.0
    for letter in letters_of("cut"):
        place, gain = words.step(place, letter)
        gained += gain
    assert gained == 6.0 and words.end(place) == -6.0
    for letter in letters_of("ter"):
        place, _ = words.step(place, letter)
    assert words.end(place) == 0.0


def test_pruning_keeps_what_is_clear():
    long = heard(*[frame for character in "the quick brown fox" for frame in ({character: 0.8, "j": 0.1}, {})])
    for width in (1, 4, 64):
        assert said(Search(SearchConfig(width=width)), long) == "the quick brown fox"


class Remembers(Likes):
    """A language model whose states are the texts themselves."""

    def begin(self):
        return (), self.row(0)

    def advance(self, states, letters):
        texts = [(*state, letter) for state, letter in zip(states, letters, strict=True)]
        self.texts = [*getattr(self, "texts", []), *texts]
        return texts, np.stack([self.row(len(text)) for text in texts])


def test_a_language_model_is_asked_once_a_text():
    language = Remembers("cat")
    Search(SearchConfig(width=8), language)(UNCLEAR)
    assert len(language.texts) == len(set(language.texts)) > 3


@pytest.mark.parametrize("words", [[], ["..."], [""]])
def test_a_list_needs_words(words):
    with pytest.raises(ConfigError, match="words: there are none"):
        WordList(words)


def test_settings_out_of_range():
    with pytest.raises(ConfigError, match="width: 0 is out of range"):
        SearchConfig(width=0)
    with pytest.raises(ConfigError, match="boost"):
        WordList(["a"], boost=-1)
