"""Chats as their members see and manage them. How what is written to one is ordered and told: `handlers.routing`."""
