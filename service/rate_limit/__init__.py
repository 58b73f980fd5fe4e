"""The rate limit that all processes share through Valkey."""
