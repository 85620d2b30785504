"""Signing up, in and out: phone numbers, passwords, tokens, and the limits on guessing."""
