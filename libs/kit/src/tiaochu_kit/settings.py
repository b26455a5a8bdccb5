"""Settings of a service: from `TIAOCHU_*` environment variables; secrets from the files these name."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What every service needs to know. No default is a secret; production refuses what only the embedded stack may have."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_", extra="ignore", frozen=True)

    service: str
    environment: Literal["embedded", "production"] = "production"

    database_url: str
    database_password_file: Path | None = None
    database_owner_url: str | None = None
    database_owner_password_file: Path | None = None
    database_pool: int = Field(default=8, ge=1, le=64)
    """Connections a process may hold for commands and background work; as many again at most for queries."""
    database_prepare: bool = True
    """Server-side prepared statements; off behind a transaction pooler that does not support them."""

    nats_url: str
    nats_user: str | None = None
    nats_password_file: Path | None = None
    nats_ca_file: Path | None = None
    """Authority of the broker's certificate, for `tls://` addresses; without it, those the machine trusts."""

    grpc_listen: str
    http_listen: str
    """The edge for outside callers, and without `ops_listen` health and figures too."""
    ops_listen: str | None = None
    """Health and figures apart, in plain text: what a platform asks, on a port that outsiders do not reach."""
    connection_age_seconds: int = Field(default=300, ge=1)
    """After so long a caller's connection is ended gently; it asks for addresses anew and finds replicas that came since."""
    peers: dict[str, str] = Field(default_factory=dict)
    """Service name → gRPC address of every other service this one calls or consumes."""
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = None

    oidc_issuer: str | None = None
    oidc_jwks_url: str | None = None
    oidc_audience: str = "tiaochu"
    first_admin: str | None = None
    """A person who is system administrator of the cell before the directory has any post for them: who imports the directory."""

    blob_url: str | None = None
    blob_credentials_dir: Path | None = None
    """Folder with the files `access-key-id` and `secret-access-key` of an S3 store, read anew every minute."""
    keys_dir: Path | None = None
    log_signing_key_file: Path | None = None
    otlp_endpoint: str | None = None
    clock_file: Path | None = None
    failpoints_dir: Path | None = None
    """Arms `tiaochu_kit.failpoints`."""
    admission_slots: int = Field(default=32, ge=1)
    """Calls of people that one process works on at once."""
    admission_queue: int = Field(default=64, ge=0)
    """Calls of one district that may wait for their turn."""
    admission_weights: dict[str, float] = Field(default_factory=dict)
    """District → its share among those that wait, 1 where nothing is said."""
    public_rate: float = Field(default=1.0, gt=0)
    """Calls a second that one address may make to what is open to the holder of a code."""
    public_burst: int = Field(default=30, ge=1)
    """Such calls that it may make at once."""
    trust_seconds: float | None = None
    """How long after the last look at a log its assignments still open a case; 5 in production, more on a machine that starts everything at once."""
    late_entry_days: int = 30
    """How long before its recording an act may have happened."""

    def model_post_init(self, _context: object, /) -> None:
        if self.environment == "production" and self.clock_file is not None:
            raise ValueError("TIAOCHU_CLOCK_FILE is for the embedded stack only: nobody steps the clock in production")
        _refuse_failpoints(self.environment, self.failpoints_dir)

    @property
    def assignments_trusted_for(self) -> float:
        """`trust_seconds`, or what fits the environment."""
        return self.trust_seconds or (5.0 if self.environment == "production" else 30.0)

    def database_password(self) -> str | None:
        """The password in its file, read anew at each connection so that it can be rotated."""
        return self.database_password_file.read_text().strip() if self.database_password_file else None

    def nats_password(self) -> str | None:
        """The password of this service's NATS user."""
        return self.nats_password_file.read_text().strip() if self.nats_password_file else None


class MigrationSettings(BaseSettings):
    """What a migration needs: the database as its owner."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_", extra="ignore", frozen=True)

    environment: Literal["embedded", "production"] = "production"
    database_owner_url: str
    database_owner_password_file: Path | None = None
    failpoints_dir: Path | None = None

    def model_post_init(self, _context: object, /) -> None:
        _refuse_failpoints(self.environment, self.failpoints_dir)


def _refuse_failpoints(environment: str, folder: Path | None) -> None:
    if environment == "production" and folder is not None:
        raise ValueError("TIAOCHU_FAILPOINTS_DIR is for the embedded stack only: nobody makes production fail")
