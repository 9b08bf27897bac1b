"""Connections: one Entra tenant and one app registration each."""
