"""melodia: music and speech with stacked LSTMs.

    import melodia

    score = melodia.generate("song.mid", bars=16, temperature=0.9)
    score.write("out.mid")
    melodia.vary("song.mid", (5, 8)).write("varied.mid")
    melodia.harmonize("tune.mid").write("chorale.mid")
    melodia.transcribe("clip.wav").score.write("clip.mid")
    print(melodia.recognize("voice.wav").text)
    melodia.speak("Hello, world.").write("hello.wav")

Names are loaded when they are first used: `import melodia` brings neither torch nor librosa.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from melodia.api.harmony import harmonize, harmonize_takes
    from melodia.api.listening import transcribe
    from melodia.api.models import load_checkpoint
    from melodia.api.music import generate, generate_takes
    from melodia.api.performance import humanize
    from melodia.api.speech import recognize
    from melodia.api.vary import vary
    from melodia.api.voice import sing, speak
    from melodia.errors import MelodiaError
    from melodia.render import render
    from melodia.score import Score
    from melodia.workshop import prepare, train

_HOMES = {
    "generate": "melodia.api.music",
    "generate_takes": "melodia.api.music",
    "humanize": "melodia.api.performance",
    "harmonize": "melodia.api.harmony",
    "harmonize_takes": "melodia.api.harmony",
    "load_checkpoint": "melodia.api.models",
    "MelodiaError": "melodia.errors",
    "Score": "melodia.score",
    "prepare": "melodia.workshop",
    "recognize": "melodia.api.speech",
    "render": "melodia.render",
    "sing": "melodia.api.voice",
    "speak": "melodia.api.voice",
    "train": "melodia.workshop",
    "transcribe": "melodia.api.listening",
    "vary": "melodia.api.vary",
}
__all__ = [
    "MelodiaError",
    "Score",
    "generate",
    "generate_takes",
    "harmonize",
    "harmonize_takes",
    "humanize",
    "load_checkpoint",
    "prepare",
    "recognize",
    "render",
    "sing",
    "speak",
    "train",
    "transcribe",
    "vary",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'melodia' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
