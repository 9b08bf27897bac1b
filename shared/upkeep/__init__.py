"""Keeping the app itself in order: what was set aside, and how healthy everything is."""
