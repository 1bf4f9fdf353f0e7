"""Piano rolls: what sounds together in the next frame, by stacks of LSTMs over time and over pitches."""
