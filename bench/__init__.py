"""Measurements, each one command: python3.13 -m dev bench mail | webhook | import-time."""
