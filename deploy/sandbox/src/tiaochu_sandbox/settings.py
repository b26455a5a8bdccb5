"""Settings of the sandbox court: `TIAOCHU_*` as the stack gives them, `TIAOCHU_SANDBOX_*` of its own."""

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SandboxSettings(BaseSettings):
    """Where it listens, where the gateway is, where it keeps what it knows."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_", extra="ignore", frozen=True)

    http_listen: str = "127.0.0.1:8090"
    http_peers: dict[str, str] = Field(default_factory=dict)
    clock_file: Path | None = None
    sandbox_code: str = "court-sandbox"
    sandbox_name: str = "示例市人民法院(沙盒)"
    sandbox_file: Path | None = None
    """Its notebook (SQLite); beside the stack's clock unless named, in memory where there is neither."""

    def model_post_init(self, _context: Any, /) -> None:
        host, _, port = self.http_listen.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("TIAOCHU_HTTP_LISTEN must be host:port")

    @property
    def gateway(self) -> str:
        """Address of the gateway's HTTP edge."""
        return self.http_peers.get("docking", "http://127.0.0.1:8080").rstrip("/")

    @property
    def notebook(self) -> str:
        """Path of the notebook."""
        if self.sandbox_file is not None:
            return str(self.sandbox_file)
        return str(self.clock_file.parent / "sandbox.sqlite") if self.clock_file is not None else ":memory:"
