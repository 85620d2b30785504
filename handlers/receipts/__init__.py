"""Who has received and read messages."""
