"""The types of what webhooks and our own clock say. HighLevel's are its own words; a workflow's body names none."""

INSTALL, UNINSTALL = "INSTALL", "UNINSTALL"
"""The types of what is said of an app of ours rather than of an appointment."""

APPOINTMENT_EVENTS = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")
CONTACT_EVENTS = ("ContactCreate", "ContactUpdate", "ContactTagUpdate", "ContactDndUpdate", "ContactDelete")
"""What HighLevel says of a contact: all have one body, the contact itself (published)."""

WORKFLOW = "workflow"
"""The type of what a workflow's Webhook action posts; its body names none."""

OF_SERVICE_BOOKING, OF_CONTACT = "workflow.service_booking", "workflow.contact"
"""Of what it posts about a service booking, or about a contact alone.

No event of HighLevel's own tells of service bookings; they have a workflow trigger (its help page says: created or
updated). What its Webhook action posts was never captured, nor is it published by which merge field it names the
booking, so its author says which it is: custom data is the one part of a body that they write (public captures)."""

RECONCILED = "reconciled"
"""The type of what no webhook told: its body is the appointment, as it was read."""

EXTERNAL = "external."
"""Before the source's name: the type of what any other system posts."""

QUIET = "quiet"
"""What the moment is called at which a burst of changes is over."""

MOMENT = "moment"
"""The type of what our own clock says: that a moment has come which a rule waits for."""

NEIGHBOUR = "neighbour"
"""The type of what we say to a booking's lane: that a block beside it shares its time with one that is another now."""
