"""Hears, remembers, shows."""
