"""Models, loaded once to be used many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from melodia.checkpoint import DEFAULT, find_checkpoint, read_info
from melodia.composition.checkpoint import load_composer
from melodia.composition.model import Composer
from melodia.detection.checkpoint import load_detector
from melodia.detection.model import Detector
from melodia.device import resolve_device
from melodia.errors import CheckpointError
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.model import Choir
from melodia.language.checkpoint import load_language
from melodia.language.model import LanguageModel
from melodia.performance.checkpoint import load_pianist
from melodia.performance.model import Pianist
from melodia.polyphony.checkpoint import load_polyphony
from melodia.polyphony.model import PolyphonyModel
from melodia.recognition.checkpoint import load_recognizer
from melodia.recognition.model import Recognizer
from melodia.spelling.checkpoint import load_spelling
from melodia.spelling.model import SpellingModel
from melodia.synthesis.checkpoint import load_voice
from melodia.synthesis.model import Voice
from melodia.transcription.checkpoint import load_transcriber
from melodia.transcription.model import Transcriber

Model = Composer | Transcriber | Recognizer | LanguageModel | Detector | SpellingModel | Voice | PolyphonyModel | Choir | Pianist
LOADERS: dict[str, Callable[[str | Path], Any]] = {
    "composition": load_composer,
    "transcription": load_transcriber,
    "recognition": load_recognizer,
    "language": load_language,
    "detection": load_detector,
    "spelling": load_spelling,
    "synthesis": load_voice,
    "polyphony": load_polyphony,
    "harmony": load_choir,
    "performance": load_pianist,
}


def load_checkpoint(name: str | Path = DEFAULT, device: str = "cpu") -> Model:
    """Loads a model once, to be used many times: a composer, a transcriber, a recogniser ..., as the checkpoint is.

    Raises:
        CheckpointError: it is missing, damaged, or of a domain that is not known.
        ConfigError: there is no such device.
    """
    domain = read_info(find_checkpoint(name)).domain
    if domain not in LOADERS:
        raise CheckpointError(f"{name}: a model for {domain}, which this melodia does not know; it knows {', '.join(LOADERS)}")
    model: Model = LOADERS[domain](name).to(resolve_device(device))
    return model
