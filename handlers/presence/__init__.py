"""Who is online, and who may see it."""
