"""Four voices on a grid of 16ths: which pitch each sings next, by stacks of LSTMs over time and over voices."""
