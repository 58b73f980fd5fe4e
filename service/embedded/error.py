"""What goes wrong with the embedded servers: one type, one line."""


class EmbeddedError(Exception):
    """One line that says what is wrong and what to do about it; trying again unchanged does not help."""
