"""`python -m workers.cli`: how one role starts another."""

from workers.cli import main

main()
