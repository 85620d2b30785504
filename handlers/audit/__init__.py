"""The audit log: what is noted, how it is chained, appended and read."""
