"""From a command to a place in a chat's log, and from there to whoever is in the chat."""
