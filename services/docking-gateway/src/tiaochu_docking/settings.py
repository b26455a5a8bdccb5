"""Settings of the gateway beside those every service has: `TIAOCHU_DOCKING_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DockingSettings(BaseSettings):
    """What the gateway needs to know of its surroundings."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_DOCKING_", extra="ignore", frozen=True)

    push_to: list[str] = Field(default_factory=list)
    """Where packets may be pushed: `host`, `host:port` or `*.domain` for https; the same after `http://` where the network allows no TLS."""
    dockings_dir: Path | None = None
    """Further docking files."""
    public_url: str = ""
    """Address by which agencies reach `/docking/v1`; only for the links in answers."""
    issuer: dict[str, str] = Field(default_factory=lambda: {"agency": "tiaochu"})
    """How we sign: agency code, unit, phone of the liaison."""
    requests_per_second: float | None = None
    burst: int | None = None
    """Calls of one agency: 20 a second and 100 at once; ten times that in the embedded stack, where the court hands over a month in a minute."""
    push_timeout: float = 10

    def rates(self, *, embedded: bool) -> tuple[float, int]:
        """Calls a second and at once."""
        ease = 10 if embedded else 1
        return self.requests_per_second or 20 * ease, self.burst or 100 * ease
