"""What is kept over a restart."""
