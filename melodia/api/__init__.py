"""The public functions, from paths and plain values to scores, notes and words."""
