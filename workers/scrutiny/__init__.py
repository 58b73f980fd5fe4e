"""Scrutiny: what is wrong with rules whose words are all right, and what their author may not have meant."""
