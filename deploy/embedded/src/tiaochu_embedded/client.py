"""A running stack as others see it: programs beside it that know the run folder."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.problem import Problem


class RunningStack:
    """Reads `stack.json` of a run folder. Raises a `Problem` when no stack runs there."""

    def __init__(self, run_dir: Path | str) -> None:
        self.run_dir = Path(run_dir).resolve()
        try:
            self.addresses: dict[str, Any] = json.loads((self.run_dir / "stack.json").read_text())
        except (FileNotFoundError, ValueError):
            raise Problem(
                f"No stack runs in {self.run_dir}: start it with 'make up'.",
                f"{self.run_dir} 中没有运行的系统:请先执行 make up。",
            ) from None

    def token(self, person: str) -> str:
        """A token of `person`, from the stack's own issuer."""
        secret = Path(self.addresses["issuer_secret_file"]).read_text()
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.addresses['issuer']}/token",
            data=urllib.parse.urlencode({"person": person}).encode(),
            headers={"Authorization": f"Bearer {secret}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
                return str(json.load(answer)["access_token"])
        except (OSError, urllib.error.URLError) as error:
            raise Problem(
                f"The stack's issuer does not answer ({error}): see 'make logs'.",
                f"身份服务没有响应({error}):请查看 make logs。",
            ) from error

    def step_clock(self, seconds: float) -> float:
        """Move the time of all processes on; answers the offset from the wall clock in seconds."""
        return StackClock(Path(self.addresses["clock_file"])).step(seconds)
