"""How we may act in a location: connecting it, and tokens that are good when they are used."""
