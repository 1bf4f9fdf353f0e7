"""Looking into recurrent networks: what their units did while they read something, and what that follows.

Knows no domain: a domain makes a `Reading` (traces, named signals, times, what was read as boxes), `rank`
finds which unit follows which signal, `picture` draws, and `page` writes one HTML file.
"""
