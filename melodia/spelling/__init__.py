"""Words that no lexicon has: from their letters to their phonemes, by stacked LSTMs. It helps to read aloud."""
