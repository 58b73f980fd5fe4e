"""Blocking: which time should be blocked, and what of it still has to be. Pure: times in, times out."""
