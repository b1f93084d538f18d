"""Bench: speed and memory, measured on request."""
