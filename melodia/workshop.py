"""The public functions that make corpora and models, from paths and plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from melodia.checkpoint import CheckpointInfo
from melodia.composition import train as composition
from melodia.composition.prepare import EventsRepresentation
from melodia.config import from_json
from melodia.corpus import Corpus
from melodia.detection import train as detection
from melodia.detection.prepare import KindsRepresentation
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.features import FeatureConfig
from melodia.harmony import train as harmony
from melodia.harmony.prepare import VoicesRepresentation
from melodia.language import train as language
from melodia.language.prepare import LettersRepresentation
from melodia.performance import train as performance
from melodia.performance.prepare import PerformanceRepresentation
from melodia.polyphony import train as polyphony
from melodia.polyphony.prepare import FramesRepresentation
from melodia.preparation import PrepareConfig
from melodia.preparation import prepare as run_preparation
from melodia.recognition import train as recognition
from melodia.recognition.prepare import WordsRepresentation
from melodia.representation import Representation
from melodia.sources import parse_source
from melodia.spelling import train as spelling
from melodia.spelling.prepare import SpellingsRepresentation
from melodia.synthesis import train as synthesis
from melodia.synthesis.prepare import SpeechRepresentation
from melodia.training import Progress, RunConfig, Trainer, join_cluster
from melodia.transcription import train as transcription
from melodia.transcription.prepare import NotesRepresentation

ROOMS: dict[str, Any] = {  # where each domain is trained
    "composition": composition,
    "transcription": transcription,
    "recognition": recognition,
    "language": language,
    "detection": detection,
    "spelling": spelling,
    "synthesis": synthesis,
    "polyphony": polyphony,
    "harmony": harmony,
    "performance": performance,
}
MADE_OF = (  # what `representation` knows
    "events",
    "notes",
    "words",
    "letters",
    "kinds",
    "spellings",
    "speech",
    "frames",
    "voices",
    "performance",
)


def representation(name: str, bands: int = 0, random_seed: int = 0, live: bool = False) -> Representation:
    """What is made of the files of a corpus.

    `events` of MIDI files, `notes` of recordings with labels beside them, `words` of recordings with texts beside them,
    `letters` of texts, `kinds` of recordings in folders called music and speech, `spellings` of lists of words with their
    phonemes, `speech` of one speaker's recordings with their phonemes beside them, `frames` of piano rolls,
    `voices` of four-part music, `performance` of piano music as it is played.

    Raises:
        ConfigError: there is no such kind, or it knows nothing of bands, or of live models.
    """
    if name not in MADE_OF:
        raise ConfigError(f"as: '{name}' is not known; it must be {', '.join(MADE_OF[:-1])} or {MADE_OF[-1]}")
    if bands and name != "events":
        raise ConfigError(f"bands: {name} cannot be arranged; leave it out")
    if live and name not in ("notes", "words"):
        raise ConfigError("live: is of notes and words; leave it out")
    made: dict[str, Callable[[], Representation]] = {
        "events": lambda: EventsRepresentation(bands=bands, random_seed=random_seed),
        "notes": lambda: NotesRepresentation(features=FeatureConfig(live=live)),
        "words": lambda: WordsRepresentation(live=live),
        "letters": LettersRepresentation,
        "kinds": KindsRepresentation,
        "spellings": SpellingsRepresentation,
        "speech": SpeechRepresentation,
        "frames": FramesRepresentation,
        "voices": VoicesRepresentation,
        "performance": PerformanceRepresentation,
    }
    return made[name]()


def room_of(corpus: Corpus, domain: str | None = None) -> Any:
    """The module that trains models of a corpus.

    Raises:
        ConfigError: the domain cannot be trained, or the corpus is of another.
    """
    name = domain or corpus.manifest["domain"]
    if name not in ROOMS:
        raise ConfigError(f"domain: '{name}' cannot be trained; it must be {' or '.join(ROOMS)}")
    if name != corpus.manifest["domain"]:
        raise ConfigError(f"domain: {corpus.folder} was prepared for {corpus.manifest['domain']}, not for {name}")
    return ROOMS[name]


def prepare(
    sources: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    made_of: str = "events",
    bands: int = 0,
    random_seed: int = 0,
    live: bool = False,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    **settings: Any,
) -> Corpus:
    """Makes a training corpus of MIDI files or recordings, or brings one up to date.

    Args:
        sources: folders, archives, lists of files, NAME=SOURCE to read it by a recipe, or a recipe's name.
        output: the folder of the corpus.
        made_of: one of `MADE_OF`, see `representation`.
        bands: band arrangements to add for each training song.
        random_seed: of the arrangements.
        live: for a model that looks ahead by less than a tenth of a second.
        progress: called with what is being done, the files done and in all.
        settings: those of `PrepareConfig`: held_out, jobs, engine.

    Raises:
        CorpusError: a source is missing or damaged, or nothing in them can be used.
        ConfigError: a setting is out of range, the output holds something else, or the engine is not there.
    """
    listed = [sources] if isinstance(sources, str | Path) else sources
    config = from_json(PrepareConfig, settings, "prepare")
    rows = representation(made_of, bands, random_seed, live)
    run_preparation([parse_source(str(s)) for s in listed], Path(output), rows, config, progress)
    return Corpus(output)


def train(
    corpus: str | Path | Corpus,
    output: str | Path,
    *,
    start: str | Path = "",
    resume: bool = False,
    tensorboard: bool = False,
    device: str = "cpu",
    report: Callable[[Progress, Trainer], None] = lambda progress, trainer: None,
    **settings: Any,
) -> CheckpointInfo | None:
    """Trains a model on a prepared corpus.

    Args:
        corpus: what `prepare` made.
        output: checkpoint folder to write; it also holds the state to resume from.
        start: checkpoint to begin from, to fine-tune it.
        resume: go on with the run in the output folder.
        tensorboard: also write a log for TensorBoard.
        device: "cpu", "cuda", "mps" or "auto".
        report: called after each iteration; `trainer.stop()` ends the run there, with its state saved.
        settings: the options of `melodia train` by name: minutes, iterations, cell, hidden_size, whole ...

    Returns:
        what the checkpoint says of itself; None in all processes but the first, and for a run that was
        stopped before anything was measured.

    Raises:
        MelodiaError: the corpus or the checkpoint cannot be read, a setting is out of range, the loss is
            no number, or nothing can be written.
    """
    where = resolve_device(device)
    opened = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
    room = room_of(opened)
    config = room.make_config(opened, str(start), gpu=where.type == "cuda", **settings)
    run = RunConfig(output=Path(output), resume=resume, tensorboard=tensorboard)
    cluster = join_cluster(where)
    try:
        with torch.random.fork_rng():  # the caller's generator stays as it is
            info: CheckpointInfo | None = room.train(opened, run, config, cluster, report)[0]
            return info
    finally:
        cluster.leave()
