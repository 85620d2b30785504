"""OTP's supervision on structured concurrency: see `docs/supervisors.md`."""

from supervisors.child import Child
from supervisors.crash_log import CrashLog
from supervisors.dynamic import DynamicSupervisor
from supervisors.exits import (
    ChildExists,
    ChildNotFound,
    ChildState,
    Crash,
    Escalation,
    Exit,
    InvalidSpec,
    Killed,
    MaxChildren,
    Normal,
    NotRunning,
    Shutdown,
    ShutdownExit,
    StartError,
    SupervisionError,
)
from supervisors.mailbox import Actor, CallTimeout, MailboxFull
from supervisors.partition import PartitionSupervisor
from supervisors.process import ProcessExited, ProcessNotReady, Program, process_child
from supervisors.registry import NameTaken, Registry
from supervisors.root import run_root
from supervisors.spec import (
    BRUTAL_KILL,
    INFINITY,
    AutoShutdown,
    Backoff,
    ChildSpec,
    ChildType,
    Restart,
    Strategy,
)
from supervisors.supervisor import Supervisor, open_supervisor
from supervisors.telemetry import (
    ChildExited,
    ChildRestarted,
    ChildStarted,
    IntensityBreached,
    ShutdownOverrun,
    Telemetry,
    to_log,
)
from supervisors.tree import Counts, CrashReport, Node, pruned, render, snapshot

__all__ = [
    "BRUTAL_KILL", "INFINITY", "Actor", "AutoShutdown", "Backoff", "CallTimeout", "Child", "ChildExists", "ChildExited", "ChildNotFound",
    "ChildRestarted", "ChildSpec", "ChildStarted", "ChildState", "ChildType", "Counts", "Crash", "CrashLog", "CrashReport", "DynamicSupervisor", "Escalation", "Exit",
    "IntensityBreached", "InvalidSpec", "Killed", "MailboxFull", "MaxChildren", "NameTaken", "Node", "Normal", "NotRunning",
    "PartitionSupervisor", "ProcessExited", "ProcessNotReady", "Program", "Registry", "Restart", "Shutdown", "ShutdownExit",
    "ShutdownOverrun", "StartError", "Strategy", "SupervisionError", "Supervisor", "Telemetry", "open_supervisor", "process_child", "pruned", "render",
    "run_root", "snapshot", "to_log",
]  # fmt: skip
