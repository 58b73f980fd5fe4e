"""The sandbox's own levers, under /_sandbox."""
