"""The ports in memory, for deterministic tests: no threads, one shared world for any number of simulated nodes, faults on demand."""

from persistence.memory.broker import Broker, MemoryAttempts, MemoryBus, MemoryCluster, MemoryOpenChats
from persistence.memory.faults import Faults
from persistence.memory.record import (
    MemoryChats,
    MemoryDeadLetters,
    MemoryDevices,
    MemoryLog,
    MemorySigningKeys,
    MemoryUsers,
    Record,
)

__all__ = [
    "Broker", "Faults", "MemoryAttempts", "MemoryBus", "MemoryChats", "MemoryCluster", "MemoryDeadLetters", "MemoryDevices", "MemoryLog",
    "MemoryOpenChats", "MemorySigningKeys", "MemoryUsers", "Record",
]  # fmt: skip
