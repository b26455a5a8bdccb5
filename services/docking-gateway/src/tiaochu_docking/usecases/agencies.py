"""Agencies: added by staff, their addresses and secrets changed by staff or by themselves."""

from datetime import UTC

from tiaochu.docking.v1 import docking_service_pb2 as staff
from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.agency import Agency, Endpoint, Liaison
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.signature import read_secret
from tiaochu_docking.usecases.documents import AGENCIES
from tiaochu_docking.usecases.ports import Destinations
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.sealing import Keyring
from tiaochu_kit.ids import new_id
from tiaochu_kit.usecase import Context, Work, command


class AgencyCommands:
    """A secret is sealed before it enters the transaction, under the id of its credential."""

    def __init__(self, dockings: Dockings, keyring: Keyring, destinations: Destinations) -> None:
        self._dockings = dockings
        self._keyring = keyring
        self._destinations = destinations

    def _sealed(self, secret: str) -> tuple[str, str]:
        try:
            read_secret(secret)
        except ValueError as error:
            raise invalid("secret", "SECRET_FORMAT", "密钥应为whsec_加24至64字节的base64") from error
        credential_id = new_id()
        return credential_id, self._keyring.seal(secret, table="agencies", row=credential_id, field="secret")

    async def _seal(self, _ctx: Context, r: staff.IssueCredentialRequest) -> tuple[str, str]:
        return self._sealed(r.secret)

    async def _seal_own(self, _ctx: Context, r: pb.AgencyChangeRequest) -> tuple[str, str]:
        return self._sealed(r.secret.secret) if r.HasField("secret") else ("", "")

    @command()
    def add_agency(self, work: Work, r: staff.AddAgencyRequest) -> staff.AddAgencyResponse:
        """A new agency of a district; staff add agencies of their own district only."""
        work.actor.own_district(r.district)
        for endpoint in r.endpoints:
            self._check_url(endpoint.url)
        agency = Agency.add(
            agency_id=r.agency_id or work.new_id(),
            district=r.district,
            code=r.code,
            name=r.name,
            kind=r.kind,
            tier=r.tier,
            dockings=list(r.dockings),
            endpoints=[_endpoint(e) for e in r.endpoints],
            receiving_organ_id=r.receiving_organ_id,
            receiving_organ_path=r.receiving_organ_path,
            configured=self._dockings.names,
            at=work.now,
        )
        work.add(AGENCIES, agency)
        return staff.AddAgencyResponse(agency_id=agency.id, etag=work.etag(agency))

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def put_endpoint(self, work: Work, r: staff.PutEndpointRequest) -> staff.PutEndpointResponse:
        """An address, set by staff."""
        agency = work.get(AGENCIES, r.agency_id)
        self._check_url(r.endpoint.url)
        agency.put_endpoint(_endpoint(r.endpoint), work.now)
        return staff.PutEndpointResponse(agency_id=agency.id, etag=work.etag(agency))

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def pause_endpoint(self, work: Work, r: staff.PauseEndpointRequest) -> staff.PauseEndpointResponse:
        """Stops or starts sending."""
        agency = work.get(AGENCIES, r.agency_id)
        agency.pause_endpoint(r.endpoint_id, paused=not r.resume, at=work.now)
        return staff.PauseEndpointResponse(agency_id=agency.id, etag=work.etag(agency))

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)], before=_seal)
    def issue_credential(self, work: Work, r: staff.IssueCredentialRequest, sealed: tuple[str, str]) -> staff.IssueCredentialResponse:
        """A further secret."""
        agency = work.get(AGENCIES, r.agency_id)
        start = r.valid_from.ToDatetime(UTC) if r.HasField("valid_from") else work.now
        agency.issue_credential(credential_id=sealed[0], sealed=sealed[1], valid_from=start, by=work.actor.id, at=work.now)
        return staff.IssueCredentialResponse(agency_id=agency.id, credential_id=sealed[0], etag=work.etag(agency))

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def retire_credential(self, work: Work, r: staff.RetireCredentialRequest) -> staff.RetireCredentialResponse:
        """Ends a secret."""
        agency = work.get(AGENCIES, r.agency_id)
        end = agency.retire_credential(r.credential_id, at_once=r.at_once, at=work.now)
        response = staff.RetireCredentialResponse(agency_id=agency.id, etag=work.etag(agency))
        response.valid_to.FromDatetime(end)
        return response

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def put_liaison(self, work: Work, r: staff.PutLiaisonRequest) -> staff.PutLiaisonResponse:
        """Names the persons to turn to."""
        agency = work.get(AGENCIES, r.agency_id)
        agency.put_liaisons([Liaison(p.side, p.rank, p.post, p.valid_from_on, p.valid_to_on) for p in r.liaisons], work.now)
        return staff.PutLiaisonResponse(agency_id=agency.id, etag=work.etag(agency))

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)], before=_seal_own)
    def change_agency(self, work: Work, r: pb.AgencyChangeRequest, sealed: tuple[str, str]) -> pb.AgencyChangeResponse:
        """An agency's own change over the REST surface."""
        agency = work.get(AGENCIES, r.agency_id)
        response = pb.AgencyChangeResponse(agency_id=agency.id)
        if r.HasField("secret"):
            start = r.secret.valid_from.ToDatetime(UTC) if r.secret.HasField("valid_from") else work.now
            agency.issue_credential(credential_id=sealed[0], sealed=sealed[1], valid_from=start, by=work.actor.id, at=work.now)
            response.credential_id = sealed[0]
        elif r.HasField("retired"):
            response.credential_id = r.retired.credential_id
            response.valid_to.FromDatetime(agency.retire_credential(r.retired.credential_id, at_once=r.retired.at_once, at=work.now))
        else:
            new = r.endpoint
            self._check_url(new.url)
            agency.put_endpoint(Endpoint(new.endpoint_id, new.channel, new.url, new.preferred, ""), work.now)
        return response

    def _check_url(self, url: str) -> None:
        if url and not self._destinations.allowed(url):
            raise invalid("endpoint.url", "ADDRESS_NOT_ALLOWED", "该地址不在允许推送的范围内,请联系中心管理员")


def _endpoint(e: staff.Endpoint) -> Endpoint:
    return Endpoint(e.endpoint_id, e.channel, e.url, e.preferred, e.network)
