"""Connections: what they join, what they are sent, and what is known of those who are there."""
