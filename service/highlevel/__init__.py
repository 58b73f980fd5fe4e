"""The HighLevel Calendars API: one class per call, one file per resource."""
