"""Worlds' beginnings, written in YAML."""
