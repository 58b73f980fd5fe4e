"""What tokens are, and how they are handed out."""
