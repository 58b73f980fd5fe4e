"""One file a migration, numbered: expand first, contract in a later release."""
