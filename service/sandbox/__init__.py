"""A HighLevel Calendars API of our own: for trying rules, and the only fake in our tests."""
