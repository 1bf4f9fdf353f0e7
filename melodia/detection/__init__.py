"""Recordings -> music or speech."""
