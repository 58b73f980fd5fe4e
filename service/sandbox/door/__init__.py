"""What stands before the operations: limits, faults, reading of requests."""
