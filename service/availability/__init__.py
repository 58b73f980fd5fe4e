"""When somebody can be booked: intervals, opening hours, slots. Pure arithmetic, shared by sandbox and workers."""
