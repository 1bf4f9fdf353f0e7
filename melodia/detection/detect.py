"""Whether a recording is music or speech, from some half a minute of it.

A long recording is heard at several places, spread over it; places that are silent are passed over, and others are looked at
instead. Five seconds are held at a time, so an hour takes the memory of a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from melodia.audio import audio_info, read_audio
from melodia.detection.labelled import KINDS
from melodia.detection.level import SILENCE_DB, level_db
from melodia.detection.model import Detector, sureness_of
from melodia.errors import AudioError
from melodia.features import log_mel

CLIP_SECONDS = 5.0
PLACES = 6  # of a clip each that are heard
ROUNDS = (0.5, 0.0, 0.25, 0.75)  # where in each sixth of a long recording they are looked for, one round after another
DEAF_DB = -80.0  # below which nothing can be heard
RANGE_DB = 30.0  # below the loudest place, what counts
UNSURE = 0.9  # sureness below which a person should be asked


class Detection(NamedTuple):
    """What a recording was taken for, and the probability that it is that; `unsure` where this is below .9."""

    kind: str  # music or speech
    sureness: float  # 0.5 to 1
    unsure: bool


def detect(path: str | Path, model: Detector, start: float = 0.0, end: float | None = None) -> Detection:
    """Tells music from speech.

    A recording in which nothing can be heard is taken for music, with a sureness of .5.

    Args:
        path: a sound file.
        model: in evaluation mode.
        start: seconds into the recording to listen from.
        end: second of the recording to listen to; None is its end.

    Raises:
        AudioError: it is missing, no sound file, damaged, without any sound, or the span is not in it.
    """
    seconds = audio_info(path).seconds
    stop = seconds if end is None else min(end, seconds)
    if not 0 <= start < stop:
        raise AudioError(
            f"{path}: no sound in it" if not seconds else f"{path}: lasts {seconds:.2f} s; from {start:g} s on is no span of it"
        )
    features, heard = model.config.features, []
    for onset, offset in places(start, stop):
        decibels = log_mel(read_audio(path, features.sample_rate, onset, offset), features)
        if (level := level_db(decibels, features)) > DEAF_DB:
            heard.append((level, model.hear(decibels)))
        if sum(level > SILENCE_DB for level, _ in heard) >= PLACES:
            break
    if not heard:
        return Detection(KINDS[0], 0.5, True)
    loudest = max(level for level, _ in heard)
    logit = sum(counted := [logit for level, logit in heard if level > loudest - RANGE_DB]) / len(counted)
    sureness = sureness_of(logit, model.config.temperature)
    return Detection(KINDS[logit > 0], sureness, sureness < UNSURE)


def places(start: float, stop: float) -> Iterator[tuple[float, float]]:
    """Where to listen, in seconds: a short recording whole, in equal parts; a long one here and there."""
    length = stop - start
    if length <= PLACES * CLIP_SECONDS:
        count = max(round(length / CLIP_SECONDS), 1)
        yield from ((start + i * length / count, start + (i + 1) * length / count) for i in range(count))
        return
    spare = (length - CLIP_SECONDS) / PLACES
    for within in ROUNDS:
        for i in range(PLACES):
            onset = start + (i + within) * spare
            yield onset, onset + CLIP_SECONDS
