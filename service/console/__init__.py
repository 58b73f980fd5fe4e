"""The on-call's room: pages that say what came, what was decided, what was done. Its own application and port."""
