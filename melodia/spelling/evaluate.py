"""How well words are spelled: those that are wrong, and phonemes that are wrong, with and without stress.

A share of signs that are wrong is substitutions, deletions and insertions over the signs of the reference, of all words together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from melodia.pronunciation.phonemes import PRIMARY, SECONDARY
from melodia.spelling.data import Words
from melodia.spelling.model import SpellingModel, spell

SHOWN = 10  # of those that are wrong
UNSTRESSED = str.maketrans("", "", PRIMARY + SECONDARY)


def error_rates(references: Sequence[str], estimates: Sequence[str]) -> dict[str, float]:
    """Shares of words and signs that are wrong, and of words and phonemes without stress. References are not empty."""
    import jiwer

    rates = {}
    plain = [[said.translate(UNSTRESSED) for said in row] for row in (references, estimates)]
    for suffix, theirs, ours in (("", references, estimates), ("_unstressed", *plain)):
        rates[f"words_wrong{suffix}"] = sum(a != b for a, b in zip(theirs, ours, strict=True)) / max(len(theirs), 1)
        rates[f"signs_wrong{suffix}"] = float(jiwer.cer(list(theirs), list(ours))) if theirs else 0.0
    return rates


def evaluate(model: SpellingModel, words: Words) -> dict[str, Any]:
    """Spells words and compares with their phonemes.

    Returns:
        what `error_rates` gives, how many `words` there are, and under `wrong` some that are, spread over all of them.
    """
    texts, references = words.texts()
    estimates = spell(model, texts)
    wrong = [row for row in zip(texts, references, estimates, strict=True) if row[1] != row[2]]
    shown = wrong[:: max(len(wrong) // SHOWN, 1)][:SHOWN]
    rows = [dict(zip(("word", "reference", "estimate"), row, strict=True)) for row in shown]
    return {"words": len(texts), **error_rates(references, estimates), "wrong": rows}
