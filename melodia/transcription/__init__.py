"""Recordings of music -> notes."""
