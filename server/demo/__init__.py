"""People to try things with, in a local run: who they are, what they have written, and how they come into being."""
