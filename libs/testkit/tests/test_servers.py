"""Servers of a test run end with it."""

import signal
import subprocess
import sys
from pathlib import Path

from tiaochu_embedded.process import Identity
from tiaochu_testkit import eventually_blocking

START_AND_WAIT = """
import sys, time
from pathlib import Path
from tiaochu_testkit.servers import start_nats, start_postgres
folder = Path(sys.argv[1])
print(start_postgres(folder).pid, start_nats(folder, ()).pid, flush=True)
time.sleep(60)
"""


def test_a_killed_test_run_leaves_no_server(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", START_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        servers = [Identity.of(int(pid)) for pid in run.stdout.readline().split()]
        assert len(servers) == 2
        assert all(server is not None and server.alive() for server in servers)
        run.send_signal(signal.SIGKILL)
    eventually_blocking(lambda: not any(server.alive() for server in servers if server))
