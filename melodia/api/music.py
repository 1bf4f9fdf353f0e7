"""Music: continued, and written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.api.domains import domain_of, one_number, refuse
from melodia.api.primer import read_primer
from melodia.checkpoint import DEFAULT
from melodia.composition.checkpoint import load_composer
from melodia.composition.generate import generate as compose
from melodia.composition.model import Composer
from melodia.composition.plan import LISTEN_BARS, GenerateConfig
from melodia.composition.taste import parse_taste
from melodia.composition.wishes import Wish, parse_instruments, parse_steering
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.score import Score
from melodia.takes import Takes

if TYPE_CHECKING:
    from melodia.api.primer import Music
    from melodia.harmony.model import Choir
    from melodia.performance.model import Pianist

TOP_P = 0.98


def generate(seed: Music | None = None, **options: Any) -> Score:
    """Continues a MIDI file, a recording or a score, or starts from silence.

    Args:
        seed: what to continue.
        options: those of `make_takes`, but for `count` and `rank`.

    Returns:
        the seed and its continuation, or the continuation alone.

    Raises:
        MidiError: the seed cannot be read.
        AudioError: the recording that is the seed cannot be read, or nothing is heard in it.
        ConfigError: a setting is out of range, has no meaning for the model, or cannot be met together with others; or the seed has
            no notes that the model could go on from.
        CheckpointError: the model cannot be loaded.
    """
    return make_takes(seed, **options, count=1).scores[0]


def generate_takes(seed: Music | None = None, count: int = 2, **options: Any) -> list[Score]:
    """Several takes, from one reading of the seed. Arguments and errors are those of `generate`."""
    return make_takes(seed, count=count, **options).scores


def make_takes(
    seed: Music | None = None,
    *,
    bars: int | None = None,
    seconds: float | None = None,
    count: int = 1,
    rank: bool = False,
    temperature: float | str | Mapping[str, float] = 1.0,
    top_k: int = 0,
    top_p: float = TOP_P,
    random_seed: int = 0,
    tempo: float | None = None,
    meter: str | tuple[int, int] | None = None,
    instruments: str | Sequence[str | int] | None = None,
    key: str | None = None,
    scale: str | None = None,
    register: Wish | None = None,
    density: Wish | None = None,
    polyphony: Wish | None = None,
    velocity: Wish | None = None,
    repetition: int | None = None,
    seed_bars: int = LISTEN_BARS,
    continuation_only: bool = False,
    model: str | Path | Composer | Pianist | Choir = DEFAULT,
    precision: str = "float32",
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Takes, with the tick where the continuation begins and what the user should know.

    Args:
        seed: MIDI file, recording, score or PrettyMIDI to continue; None starts from silence.
        bars: length of the continuation; 16 if neither it nor `seconds` is given.
        seconds: its length in seconds.
        count: how many takes.
        rank: sort them by the model's own surprise, the least surprising first.
        temperature: 0 takes the likeliest notes, 1 draws from the model as it is; "rhythm=0.8,pitch=1.1" or
            {"rhythm": 0.8, "pitch": 1.1} for each attribute.
        top_k: draw from the k likeliest only; 0 from all.
        top_p: draw from the likeliest that make up this probability.
        random_seed: the same gives the same takes.
        tempo: quarter notes a minute, of the whole result; None keeps the seed's.
        meter: "3/4" or (3, 4), of the continuation; None keeps the seed's.
        instruments: names or General MIDI numbers of who plays, "drums" for drums; "bass@5" from its fifth bar on,
            "drums@9-12" in these bars alone.
        key: only pitches of this key ("C", "F#", "Am").
        scale: the key's scale ("major", "dorian" ...).
        register: lowest and highest pitch, "48-84" or "C3-C6", or of each instrument {"piano": (48, 84)}.
        density: fewest and most notes a bar, all instruments together, "4-12" or (4, 12).
        polyphony: how many notes may sound at once, 3, or of each instrument {"piano": 3, "bass": 1}.
        velocity: softest and loudest, "60-100", or points along the bars, {1: 40, 8: 100}.
        repetition: how often the same bar may stand.
        seed_bars: how many bars of the seed's end to listen to.
        continuation_only: leave the seed out of the result.
        model: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        precision: of the weights while notes are drawn; "int8" is faster on a CPU, and nearly the same music.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with bars done and bars in all; seconds of a model of performance, 16ths of one of harmony.

    A model of performance, such as piano, plays one piano in real time: for `seconds`, 30 if they are not given, and without bars,
    tempo, meter, instruments, key and scale. One of harmony, such as chorale, sings in four voices: in bars, with tempo, meter,
    key, scale and one temperature.

    Raises:
        MelodiaError: those of `generate`.
    """
    steers = {"register": register, "density": density, "polyphony": polyphony, "velocity": velocity, "repetition": repetition}
    steers |= {"instruments": instruments, "rank": rank or None, "seed_bars": None if seed_bars == LISTEN_BARS else seed_bars}
    domain = domain_of(model)
    if domain == "performance":  # what the other two need is imported for them alone
        from melodia.api.performance import improvised

        refuse(steers | {"bars": bars, "tempo": tempo, "meter": meter, "key": key, "scale": scale}, model, domain)
        return improvised(
            seed,
            seconds=seconds,
            count=count,
            temperature=one_number(temperature, domain),
            top_k=top_k,
            top_p=top_p,
            random_seed=random_seed,
            continuation_only=continuation_only,
            precision=precision,
            model=model,  # type: ignore[arg-type]
            device=device,
            progress=progress,
        )
    signature = parse_meter(meter) if isinstance(meter, str) else meter
    if domain == "harmony":
        from melodia.api.chorales import sung

        usual = {"top_k": 0, "top_p": TOP_P, "precision": "float32"}
        given = {"top_k": top_k, "top_p": top_p, "precision": precision}
        changed = {name: value for name, value in given.items() if value != usual[name]}
        refuse(steers | {"seconds": seconds} | changed, model, domain)
        return sung(
            seed,
            bars=bars,
            count=count,
            temperature=one_number(temperature, domain),
            random_seed=random_seed,
            tempo=tempo,
            meter=signature,
            key=key,
            scale=scale,
            continuation_only=continuation_only,
            model=model,  # type: ignore[arg-type]
            device=device,
            progress=progress,
        )
    programs, entries = parse_instruments(instruments)
    steering = parse_steering(
        key=key,
        scale=scale,
        register=register,
        density=density,
        polyphony=polyphony,
        velocity=velocity,
        repetition=repetition,
        entries=entries,
    )
    config = GenerateConfig(
        bars=bars,
        seconds=seconds,
        count=count,
        rank=rank,
        random_seed=random_seed,
        tempo_bpm=tempo,
        meter=signature,
        programs=programs,
        steering=steering,
        seed_bars=seed_bars,
        continuation_only=continuation_only,
        precision=precision,
    )
    taste = parse_taste(temperature, top_k, top_p)
    primer, messages = read_primer(seed, device) if seed is not None else (None, [])
    composer = model if isinstance(model, Composer) else load_composer(model).to(resolve_device(device))  # type: ignore[arg-type]
    return compose(primer, composer, config, taste, progress).after(messages)


def parse_meter(text: str) -> tuple[int, int]:
    """`3/4` -> (3, 4).

    Raises:
        ConfigError: it is not of that form.
    """
    numerator, slash, denominator = text.partition("/")
    if not (slash and numerator.strip().isdecimal() and denominator.strip().isdecimal()) or len(text) > 9:
        raise ConfigError(f"meter: '{text}' is not a meter; write for example 3/4")
    return int(numerator), int(denominator)
