"""Assignment: who takes a booking. Candidates in, choice and reasons out; nothing here reads or writes anything."""
