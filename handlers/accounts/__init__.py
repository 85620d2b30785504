"""What takes a while to be done for accounts: deleting one, and the archive of all that a person has here."""
