"""The trace viewer: takes spans by OTLP over HTTP and shows them on a page."""

import urllib.error
import urllib.request
from pathlib import Path

from tiaochu_embedded.ports import HOST
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import Child, Launch, script, wait_until


class Viewer:
    """The `tv` program of the trace-view wheel, its spans in one SQLite file."""

    def __init__(self, database: Path, port: int, log: Path) -> None:
        self.url = f"http://{HOST}:{port}"
        self._database, self._port, self._log = database, port, log
        self._child: Child | None = None

    def start(self) -> None:
        """Start it and return when its page answers."""
        command = [str(script("tv")), "--port", str(self._port), "--db", str(self._database), "serve"]
        self._child = Launch(command, self._log).start()
        if not wait_until(lambda: self._answers() or not self.running(), 20.0) or not self.running():
            tail = self._child.last_words()
            self.stop()
            raise Problem(
                f"The trace viewer did not start; its log {self._log} ends with: {tail}",
                f"链路查看器未能启动,日志 {self._log} 末尾为:{tail}",
            )

    def stop(self) -> None:
        if self._child:
            self._child.end(seconds=3.0)

    def kill(self) -> None:
        """SIGKILL, as a crash would look."""
        if self._child:
            self._child.kill()

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/sessions", timeout=1):  # noqa: S310 - our own loopback address
                return True
        except (OSError, urllib.error.URLError):
            return False
