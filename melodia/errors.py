"""What melodia raises. Every message says what is wrong, where, and what to do about it."""


class MelodiaError(Exception):
    """Anything that a user's input or machine can cause; the command line prints it as one line."""


class MidiError(MelodiaError):
    """A MIDI file that cannot be read, or a score that cannot be written as one."""


class AudioError(MelodiaError):
    """A sound file, SoundFont or synthesiser that cannot be used."""


class CorpusError(MelodiaError):
    """A corpus, recipe or prepared folder that cannot be used."""


class CheckpointError(MelodiaError):
    """A checkpoint that is missing, damaged or of another version."""


class ConfigError(MelodiaError, ValueError):
    """A setting outside its range; the message names the field, its value and the range."""
