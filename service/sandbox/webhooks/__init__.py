"""What the sandbox posts."""
