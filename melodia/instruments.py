"""The 128 programs of General MIDI 1 Sound Set by name, in its order, eight to a family."""

from __future__ import annotations

from melodia.errors import ConfigError

DRUMS = 128  # how drums are written where a program is meant

PROGRAMS = (
    "acoustic grand piano", "bright acoustic piano", "electric grand piano", "honky-tonk piano",
    "electric piano 1", "electric piano 2", "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone", "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ", "accordion", "harmonica", "tango accordion",
    "nylon guitar", "steel guitar", "jazz guitar", "clean guitar", "muted guitar", "overdriven guitar", "distortion guitar", "guitar harmonics",
    "acoustic bass", "finger bass", "pick bass", "fretless bass", "slap bass 1", "slap bass 2", "synth bass 1", "synth bass 2",
    "violin", "viola", "cello", "contrabass", "tremolo strings", "pizzicato strings", "harp", "timpani",
    "string ensemble 1", "string ensemble 2", "synth strings 1", "synth strings 2", "choir aahs", "voice oohs", "synth voice", "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet", "french horn", "brass section", "synth brass 1", "synth brass 2",
    "soprano sax", "alto sax", "tenor sax", "baritone sax", "oboe", "english horn", "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute", "blown bottle", "shakuhachi", "whistle", "ocarina",
    "square lead", "saw lead", "calliope lead", "chiff lead", "charang lead", "voice lead", "fifths lead", "bass and lead",
    "new age pad", "warm pad", "polysynth pad", "choir pad", "bowed pad", "metallic pad", "halo pad", "sweep pad",
    "rain", "soundtrack", "crystal", "atmosphere", "brightness", "goblins", "echoes", "sci-fi",
    "sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai",
    "tinkle bell", "agogo", "steel drums", "woodblock", "taiko drum", "melodic tom", "synth drum", "reverse cymbal",
    "fret noise", "breath noise", "seashore", "bird tweet", "telephone ring", "helicopter", "applause", "gunshot",
)  # fmt: skip

HI_HAT_EDGES = {22: 42, 26: 46}  # drums of electronic kits that General MIDI has no sound for -> the nearest that it has

SHORT = {
    "piano": 0, "electric piano": 4, "organ": 16, "guitar": 24, "electric guitar": 27, "bass": 33, "strings": 48,
    "voice": 52, "choir": 52, "brass": 61, "sax": 65, "saxophone": 65, "horn": 60, "lead": 80, "synth": 81, "pad": 89,
    "drums": DRUMS, "drum": DRUMS, "percussion": DRUMS,
}  # fmt: skip


def program_name(program: int) -> str:
    """The name of a program, or of the drums."""
    return "Drums" if program == DRUMS else PROGRAMS[program].capitalize()


def parse_program(text: str) -> int:
    """The program that a word or number means: `piano`, `tenor sax`, `33`; `DRUMS` for drums.

    Raises:
        ConfigError: no instrument is called that.
    """
    name = text.strip().lower().replace("_", " ")
    if name.isdecimal() and len(name) < 4 and int(name) < 128:
        return int(name)
    if name in SHORT:
        return SHORT[name]
    for i, program in enumerate(PROGRAMS):
        if name == program:
            return i
    starts = [i for i, program in enumerate(PROGRAMS) if name and any(w.startswith(name) for w in program.split())]
    if starts:
        return starts[0]
    raise ConfigError(
        f"instruments: '{text}' is not an instrument; use General MIDI names or numbers 0-127, or for example piano, bass, drums"
    )
