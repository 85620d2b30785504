"""The Autobahn TestSuite's fuzzing client against `scripts/websocket-echo`, where its `wstest` is there (docs/websocket.md says how to get it)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.echo_server import echo_server

WSTEST = os.environ.get("WSTEST") or shutil.which("wstest")
PATIENCE_S = 600
CASES = 301
"""Cases of release 25.10.1 without compression (12.* and 13.*), 54 of them about performance."""
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
"""Where the RFC leaves it open what a server does, so that there is nothing to pass."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        not WSTEST, reason="no wstest on PATH or in WSTEST: the Autobahn TestSuite needs Python 2.7"
    ),
]


def test_every_case_without_compression_passes_strictly(tmp_path: Path) -> None:
    assert WSTEST
    reports = tmp_path / "reports"
    spec = tmp_path / "spec.json"
    with echo_server() as server:
        spec.write_text(
            json.dumps(
                {
                    "outdir": str(reports),
                    "servers": [{"agent": "echo", "url": f"ws://127.0.0.1:{server.port}"}],
                    "cases": ["*"],
                    "exclude-cases": ["12.*", "13.*"],
                    "exclude-agent-cases": {},
                }
            )
        )
        subprocess.run(
            [WSTEST, "--mode", "fuzzingclient", "--spec", str(spec)],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=True,
        )
    results = json.loads((reports / "index.json").read_text())["echo"]
    outcomes = {case: {result["behavior"], result["behaviorClose"]} for case, result in results.items()}
    assert {case for case, outcome in outcomes.items() if outcome != {"OK"}} == INFORMATIONAL
    assert all(outcomes[case] == {"INFORMATIONAL"} for case in INFORMATIONAL)
    assert len(outcomes) == CASES
