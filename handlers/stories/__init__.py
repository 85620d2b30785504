"""Stories: posting them, who sees them, and who is told."""
