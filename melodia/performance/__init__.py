"""Expressive piano: performances as streams of 388 events, modelled one after another."""
