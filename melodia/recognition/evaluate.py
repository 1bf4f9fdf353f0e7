"""How well speech was recognised, by jiwer: errors of words and letters, compute, and the worst utterances.

A word error rate is substitutions, deletions and insertions over the words of the reference, of all utterances together.
Both texts are compared as they are spoken (`melodia.text.spoken`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from melodia.audio import audio_info, read_blocks
from melodia.corpus import Corpus
from melodia.errors import AudioError, CorpusError, MelodiaError
from melodia.features import MelConfig, stream_log_mel, unpacked
from melodia.recognition.ctc import greedy
from melodia.recognition.model import Batch, Recognizer
from melodia.recognition.transcribed import TEXT, text_beside, transcribed
from melodia.text import spoken, text_of

WORST = 10  # utterances that are shown
Report = Callable[[int], None]


def error_rates(references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
    """`wer` and `cer` of texts that are as they are spoken. What is heard where nothing is said counts as insertions."""
    import jiwer

    pairs = [(r, h) for r, h in zip(references, hypotheses, strict=True) if r]
    theirs, ours = [r for r, _ in pairs], [h for _, h in pairs]
    made_up = [h for r, h in zip(references, hypotheses, strict=True) if not r]
    rates = {}
    for name, process, size in (
        ("wer", jiwer.process_words, lambda text: len(text.split())),
        ("cer", jiwer.process_characters, len),
    ):
        found = process(theirs, ours) if pairs else None
        errors = found.substitutions + found.deletions + found.insertions if found else 0
        rates[name] = (errors + sum(map(size, made_up))) / max(sum(map(size, theirs)), 1)
    return rates


@torch.no_grad()
def score_greedily(model: Recognizer, batches: Sequence[Batch]) -> dict[str, float]:
    """Error rates of the likeliest paths, without a language model."""
    references, hypotheses = [], []
    device = next(model.parameters()).device
    for batch in batches:
        said = model(batch.decibels.to(device), batch.lengths.to(device))
        log_probs = said.logits.float().log_softmax(dim=-1).cpu().numpy()
        for i, (length, count) in enumerate(zip(said.lengths.tolist(), batch.num_letters.tolist(), strict=True)):
            references.append(text_of(batch.letters[i, :count].tolist()))
            hypotheses.append(" ".join(text_of(greedy(log_probs[i, :length])).split()))
    return error_rates(references, hypotheses)


@dataclass(frozen=True, slots=True)
class Item:
    """A recording to measure on: its name, its text as it is spoken, and its log-mel spectrogram in parts."""

    name: str
    reference: str
    spectrogram: Callable[[], Iterable[Tensor]]
    seconds: float


def items_of_folder(folder: Path, features: MelConfig) -> list[Item]:
    """The recordings below a folder that have their texts beside them. What is wrong with one of them is said when it is read.

    Raises:
        CorpusError: there are none.
    """
    found = []
    for path in transcribed(folder):

        def spectrogram(path: Path = path) -> Iterable[Tensor]:
            return stream_log_mel(read_blocks(path, features.sample_rate), features)

        name = path.relative_to(folder).as_posix()
        try:
            seconds = audio_info(path).seconds
            if not seconds:
                raise AudioError(f"{path}: there is no sound in it")
            found.append(Item(name, spoken(text_beside(path) or ""), spectrogram, seconds))
        except MelodiaError as error:
            found.append(Item(name, "", partial(_fails, error), 0.0))
    if not found:
        raise CorpusError(f"{folder}: no recordings with their texts beside them; each needs a file of its name with {TEXT}")
    return found


def _fails(error: MelodiaError) -> Iterable[Tensor]:
    raise error


def items_of_corpus(corpus: Corpus, split: str, features: MelConfig) -> list[Item]:
    """The recordings of a split of a prepared corpus.

    Raises:
        CorpusError: the split is empty, or was prepared with other features.
    """
    corpus.made_for(features)
    names = [r.path for r in corpus.records() if r.split == split]
    frames, letters = corpus.pieces(split, "frames"), corpus.pieces(split, "letters")
    found = []
    for i, name in enumerate(names):

        def spectrogram(i: int = i) -> Iterable[Tensor]:
            return [torch.from_numpy(unpacked(np.asarray(frames[i])))]

        found.append(Item(name, text_of(letters[i].tolist()), spectrogram, len(frames[i]) / features.frame_rate))
    return found


def evaluate(hear: Callable[[Item], str], items: Sequence[Item], progress: Report = lambda done: None) -> dict[str, Any]:
    """Recognises recordings and compares with their texts.

    Args:
        hear: a recording -> what is said in it.
        items: what to measure on.
        progress: called with the recordings that are done.

    Returns:
        error rates, seconds of compute a second of audio (decoding of files with it), and a row a recording, those that
        could not be read with an `error`; `right`, the share of texts without an error; `worst`, the ten with the most
        errors a word, aligned.
    """
    rows: list[dict[str, Any]] = []
    seconds = spent = 0.0
    for done, item in enumerate(items, 1):
        row: dict[str, Any] = {"recording": item.name, "reference": item.reference}
        began = time.perf_counter()
        try:
            row["hypothesis"] = spoken(hear(item))
            spent, seconds = spent + time.perf_counter() - began, seconds + item.seconds
            row |= error_rates([item.reference], [row["hypothesis"]])
        except MelodiaError as error:
            row["error"] = " ".join(str(error).split())
        rows.append(row)
        progress(done)
    scored = [row for row in rows if "error" not in row]
    rates = error_rates([row["reference"] for row in scored], [row["hypothesis"] for row in scored])
    report = {"recordings": len(scored), "seconds": seconds, "compute": spent / max(seconds, 1e-9), **rates}
    right = sum(row["reference"] == row["hypothesis"] for row in scored) / max(len(scored), 1)
    worst = sorted(scored, key=lambda row: -row["wer"])[:WORST]
    return report | {"right": right, "worst": [aligned(row) for row in worst if row["wer"]], "rows": rows}


def aligned(row: dict[str, Any]) -> dict[str, Any]:
    """A row with reference and hypothesis one under the other, word by word; the third line marks the errors."""
    import jiwer

    if not row["reference"]:
        lines = [row["reference"], row["hypothesis"], ""]
    else:
        drawn = jiwer.visualize_alignment(jiwer.process_words(row["reference"], row["hypothesis"]), show_measures=False)
        lines = [line[5:] for line in drawn.splitlines() if line[:4] in ("REF:", "HYP:", "    ")][:3]
    return {"recording": row["recording"], "wer": row["wer"], "alignment": lines}
