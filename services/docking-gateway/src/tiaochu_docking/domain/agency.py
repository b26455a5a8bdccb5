"""Agencies: who docks, with which secrets, at which addresses, and whom to turn to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tiaochu_docking.domain import events
from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import invalid, not_found, refused

GRACE = timedelta(days=7)
"""How long a retired secret is still good: offices close for a week."""
CREDENTIAL_LIMIT = 10


@dataclass
class Credential:
    """A secret, sealed. Valid in `[valid_from, valid_to)`."""

    credential_id: str
    sealed: str
    valid_from: datetime
    valid_to: datetime | None
    issued_by: str

    def valid(self, at: datetime) -> bool:
        """Whether it is good at this moment."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


@dataclass
class Endpoint:
    """Where the agency receives: `push` to `url`, or `pull` with `url` as an optional doorbell."""

    endpoint_id: str
    channel: str
    url: str
    preferred: bool
    network: str
    state: str = "active"


@dataclass
class Liaison:
    """A post to turn to, ours or theirs."""

    side: str
    rank: str
    post: str
    valid_from_on: str
    valid_to_on: str


@dataclass(kw_only=True)
class Agency(Aggregate):
    """An organisation that docks. `code` is the short name with which it signs."""

    code: str
    name: str
    kind: str
    tier: str
    dockings: list[str]
    receiving_organ_id: str
    receiving_organ_path: str = ""
    endpoints: list[Endpoint] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    liaisons: list[Liaison] = field(default_factory=list)

    @classmethod
    def add(
        cls,
        *,
        agency_id: str,
        district: str,
        code: str,
        name: str,
        kind: str,
        tier: str,
        dockings: Sequence[str],
        endpoints: Sequence[Endpoint],
        receiving_organ_id: str,
        receiving_organ_path: str,
        configured: frozenset[str],
        at: datetime,
    ) -> "Agency":
        """A new agency. `configured` are the dockings this gateway knows."""
        for i, docking in enumerate(dockings):
            if docking not in configured:
                raise invalid(f"dockings[{i}]", "UNKNOWN_DOCKING", "没有这种对接的配置")
        agency = cls(
            id=agency_id,
            district=district,
            status="active",
            code=code,
            name=name,
            kind=kind,
            tier=tier,
            dockings=list(dockings),
            receiving_organ_id=receiving_organ_id,
            receiving_organ_path=receiving_organ_path,
        )
        agency.record(events.AgencyAdded(agency_id, kind), at)
        for endpoint in endpoints:
            agency.put_endpoint(endpoint, at)
        return agency

    def put_endpoint(self, endpoint: Endpoint, at: datetime) -> None:
        """A new address, or another one under the same name. The first, or one put as preferred, is where packets go unless an offer says otherwise."""
        if endpoint.channel == "push" and not endpoint.url:
            raise invalid("endpoint.url", "REQUIRED", "推送地址不能为空")
        self.endpoints = [e for e in self.endpoints if e.endpoint_id != endpoint.endpoint_id] + [endpoint]
        if endpoint.preferred:
            for other in self.endpoints:
                other.preferred = other is endpoint
        elif not any(e.preferred for e in self.endpoints):
            endpoint.preferred = True
        self.record(events.EndpointChanged(self.id, endpoint.endpoint_id, endpoint.state), at)

    def pause_endpoint(self, endpoint_id: str, *, paused: bool, at: datetime) -> None:
        """Stop or start sending; saying it twice changes nothing. The queue is kept."""
        endpoint = self.endpoint(endpoint_id)
        state = "paused" if paused else "active"
        if endpoint.state != state:
            endpoint.state = state
            self.record(events.EndpointChanged(self.id, endpoint_id, state), at)

    def endpoint(self, endpoint_id: str = "") -> Endpoint:
        """An address by its name; the preferred one for an empty name."""
        found = next((e for e in self.endpoints if (e.endpoint_id == endpoint_id if endpoint_id else e.preferred)), None)
        if found is None:
            raise not_found("endpoint", endpoint_id)
        return found

    def issue_credential(self, *, credential_id: str, sealed: str, valid_from: datetime, by: str, at: datetime) -> None:
        """A further secret; nothing becomes invalid by it."""
        self.credentials = [c for c in self.credentials if c.valid_to is None or c.valid_to + GRACE * 4 > at]
        if len(self.credentials) >= CREDENTIAL_LIMIT:
            raise refused("TOO_MANY_CREDENTIALS", "retire a secret first", "有效密钥过多,请先停用旧密钥")
        self.credentials.append(Credential(credential_id, sealed, valid_from, None, by))
        self.record(events.CredentialIssued(self.id, credential_id), at)

    def retire_credential(self, credential_id: str, *, at_once: bool, at: datetime) -> datetime:
        """Ends a secret after the grace, or now if it leaked; a nearer end stays. Answers the end."""
        credential = next((c for c in self.credentials if c.credential_id == credential_id), None)
        if credential is None:
            raise not_found("credential", credential_id)
        end = at if at_once else at + GRACE
        if credential.valid_to is not None and credential.valid_to <= end:
            return credential.valid_to
        credential.valid_to = end
        self.record(events.CredentialRetired(self.id, credential_id), at)
        return end

    def put_liaisons(self, liaisons: Sequence[Liaison], at: datetime) -> None:
        """All persons to turn to, in place of those before."""
        self.liaisons = list(liaisons)
        self.record(events.LiaisonsNamed(self.id), at)

    def unwritable_offer(self, case_id: str, packet_id: str, reason: str, at: datetime) -> None:
        """An offer of ours to this agency may not pass as it stands, and without it there is no exchange; a person must look after it."""
        self.record(events.DeliveryDead("", case_id, packet_id, reason), at)

    def valid_credentials(self, at: datetime) -> Mapping[str, Credential]:
        """The secrets good at this moment, newest first."""
        return {c.credential_id: c for c in sorted(self.credentials, key=lambda c: c.valid_from, reverse=True) if c.valid(at)}
