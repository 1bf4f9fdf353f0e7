"""Text -> speech: phonemes, when and how high each is said, spectra, waveform; and the same voice on the notes of a melody."""
