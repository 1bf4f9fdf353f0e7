"""How English is pronounced: phonemes, a lexicon, and text as it is read aloud."""
