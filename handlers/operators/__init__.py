"""What operators are shown: what runs, and where a message is."""
