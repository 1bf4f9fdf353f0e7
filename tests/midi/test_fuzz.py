"""Mutated MIDI files give music or one clear line, never a traceback. MELODIA_FUZZ sets how many."""

import os
import random
from pathlib import Path

from melodia.composition.codec import encode
from melodia.errors import MelodiaError
from melodia.midi import midi_bytes, parse_midi

EXAMPLES = sorted((Path(__file__).parents[2] / "corpora" / "examples").glob("*.mid"))
COUNT = int(os.environ.get("MELODIA_FUZZ", "400"))


def mutated(data: bytes, source: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(source.choice([1, 1, 2, 4, 16, 64])):
        at = source.randrange(len(out))
        action = source.randrange(6)
        if action == 0:
            out[at] = source.randrange(256)
        elif action == 1:
            del out[at + 1 : at + source.randrange(2, 30)]
        elif action == 2:
            out[at:at] = bytes(source.randrange(256) for _ in range(source.randrange(1, 9)))
        elif action == 3:
            out[at : at + 4] = source.choice([b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"MTrk", b"\xff\x58\x04\x00"])
        elif action == 4:
            out[at:at] = out[at : at + source.randrange(1, 200)]
        else:
            out = out[: at + 1]
    return bytes(out)


def test_mutations_give_music_or_one_line():
    assert len(EXAMPLES) >= 4
    source = random.Random(0)
    read = refused = 0
    for i in range(COUNT):
        data = mutated(EXAMPLES[i % len(EXAMPLES)].read_bytes(), source)
        try:
            score = parse_midi(data, "mutant.mid")
            heard = score.clip(score.bars()[max(len(score.bars()) - 64, 0)].onset_ticks, score.closing_bar_line())
            encode(heard)
            again = parse_midi(midi_bytes(score))
            assert again.num_notes > 0
            read += 1
        except MelodiaError as error:
            assert "\n" not in str(error)
            assert "mutant.mid" in str(error)
            refused += 1
    assert read > COUNT // 20
    assert refused > COUNT // 20
