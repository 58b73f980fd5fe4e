"""Tests, flat: one file for each file that holds a decision."""
