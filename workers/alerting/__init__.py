"""Alerting: alerts that were raised are sent to where somebody sees them."""
