"""Replaying IRC logs against running nodes: every nick a user, every line a message, everything that arrives checked."""
