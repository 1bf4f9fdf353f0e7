"""Symbolic music: scores as events, a composer that predicts them, its takes and how they are judged."""
