"""A second look at the texts that a search leaves: with the phonemes that were heard, and with words instead of letters.

The search hears letters and knows a language letter by letter. What it cannot do while a text grows is done to the few that are
left: a text is pronounced, and the recogniser's phonemes say how likely that is; and a model of words says how likely its words
are in a row (n-best rescoring; Ostendorf et al. 1991).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodia.pronunciation.pronounce import sounds_in
from melodia.recognition.ctc import LogProbs, log_prob_of
from melodia.recognition.search import Found, SearchConfig, WordModel
from melodia.text import text_of

UNPRONOUNCED = -1.0  # nats by which a text whose phonemes are not known stands behind the unlikeliest
UNFIT = -1e4  # of phonemes that are too many for the frames


def second_look(texts: Sequence[Found], sounds: LogProbs, words: WordModel | None, config: SearchConfig) -> Found:
    """The best of some texts, by the search's score, phonemes and words.

    Args:
        texts: what is left of the search, the best first.
        sounds: (frames, sounds) what was heard, see `melodia.pronunciation.phonemes.SOUNDS`.
        words: a model of words.
        config: their weights.
    """
    if len(texts) == 1:
        return texts[0]
    written = [" ".join(text_of(text).split()) for text in texts]
    scores = np.array([text.score for text in texts])
    if config.sound_weight:
        scores += config.sound_weight * _heard(written, sounds)
    if config.word_weight and words:
        scores += config.word_weight * np.array([words.log_prob(text.split()) for text in written])
    return texts[int(scores.argmax())]


def _heard(texts: Sequence[str], sounds: LogProbs) -> np.ndarray:
    """(texts,) logarithms of the probabilities of their phonemes."""
    pronounced = [sounds_in(text) for text in texts]
    logs = [None if one is None else max(log_prob_of(sounds, one), UNFIT) for one in pronounced]
    least = min((log for log in logs if log is not None), default=0.0) + UNPRONOUNCED
    return np.array([least if log is None else log for log in logs])
