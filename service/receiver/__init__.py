"""The public door: webhooks come in, are proved, kept and acknowledged."""
