"""Recordings of speech -> text."""
