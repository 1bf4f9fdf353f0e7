"""Connectionist temporal classification: what a sequence of letter probabilities says.

Graves et al. 2006, "Connectionist temporal classification". Letter 0 is the blank. `log_probs` are (frames, letters),
natural logarithms of probabilities that sum to 1 in each frame. `greedy` takes the likeliest path; for the likeliest text
see `search`. `align` says in which frames each letter of a text is spoken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

BLANK = 0
LogProbs = NDArray[np.float32]


def collapsed(path: Iterable[int]) -> list[int]:
    """A path, a letter or blank a frame, as the text that it stands for."""
    letters, before = [], BLANK
    for letter in path:
        if letter not in (before, BLANK):
            letters.append(letter)
        before = letter
    return letters


def greedy(log_probs: LogProbs) -> list[int]:
    """The text of the likeliest path."""
    return collapsed(log_probs.argmax(axis=1).tolist())


def log_prob_of(log_probs: LogProbs, letters: Sequence[int]) -> float:
    """The logarithm of the probability of a text: the sum over all its paths."""
    states, skips = _states(letters)
    score = np.full(len(states), -inf)
    score[0] = 0.0  # before the first frame
    for frame in log_probs.astype(np.float64):
        score = np.logaddexp.reduce(_ways(score, skips), axis=0) + frame[states]
    return float(np.logaddexp.reduce(score[-2:]))


def align(log_probs: LogProbs, letters: Sequence[int]) -> NDArray[np.int64]:
    """The likeliest frames of a text's letters: (letters, 2), the first of each and the one after its last.

    Letters that do not fit, as there are too few frames, have an empty span at the end.
    """
    spans = np.full((len(letters), 2), len(log_probs), dtype=np.int64)
    if not len(log_probs) or not letters:
        return spans
    states, skips = _states(letters)
    score = np.full(len(states), -inf)
    score[0] = 0.0
    came = np.zeros((len(log_probs), len(states)), dtype=np.int8)
    for t, frame in enumerate(log_probs):
        ways = _ways(score, skips)
        came[t] = ways.argmax(axis=0)
        score = ways.max(axis=0) + frame[states]
    place = len(states) - 1 - int(score[-1] < score[-2])
    if score[place] == -inf:
        return spans
    for t in range(len(log_probs) - 1, -1, -1):
        if place % 2:
            if spans[place // 2, 0] == len(log_probs):
                spans[place // 2, 1] = t + 1
            spans[place // 2, 0] = t
        place -= int(came[t, place])
    return spans


def _states(letters: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Blanks around each letter, and where the blank before may be left out."""
    states = np.full(2 * len(letters) + 1, BLANK, dtype=np.int64)
    states[1::2] = letters
    skips = np.zeros(len(states), dtype=bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    return states, skips


def _ways(score: NDArray[np.float64], skips: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(3, states): how likely a state is come to by staying, from the one before, from the one before that."""
    one, two = np.full_like(score, -inf), np.full_like(score, -inf)
    one[1:], two[2:] = score[:-1], score[:-2]
    two[~skips] = -inf
    return np.stack([score, one, two])
