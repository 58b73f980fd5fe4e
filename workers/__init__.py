"""Decides and acts."""
