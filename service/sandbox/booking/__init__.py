"""When something can be booked, and what is made of it."""
