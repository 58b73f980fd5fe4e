"""Rescheduling: which time a booking may get, and which of those on offer it gets. Pure: slots in, a choice out."""
