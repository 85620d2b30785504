"""A platform on one machine: MongoDB, Redis, an object store and nodes, as processes under one supervisor.

Loopback only, for development, demonstrations and tests. Everything that is kept lies in one folder (`var/`).
"""
