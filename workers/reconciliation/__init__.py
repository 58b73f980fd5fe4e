"""The reconciler: what no webhook told, found by listing each location's calendars and comparing with last seen."""
