"""The sandbox's page: the week of a calendar or a person, what changed lately, and what can be done by clicking."""
