"""HighLevel's operations, a file for each resource."""
