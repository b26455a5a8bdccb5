"""What one agency may not do with another's matters, numbers and keys, nor anybody with a secret that was taken back."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from security.house import House
from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu_demo.directory import CITY
from tiaochu_demo.driver import Court, Wire
from tiaochu_embedded.client import RunningStack
from tiaochu_kit.ids import new_id as staff_id
from tiaochu_sandbox.gateway import Gateway, new_id, new_secret


@dataclass
class Agencies:
    """The court, and another agency with a secret of its own."""

    court: Gateway
    other: Gateway
    secret: str
    exchange: str
    """A matter of the court's."""


@pytest.fixture
async def agencies(house: House) -> AsyncIterator[Agencies]:
    """Both dock; the court has made an offer that the gateway keeps."""
    wire = Wire(RunningStack(house.stack.folder.path))
    court = Court(wire, house.cast)
    await court.dock()
    staff, code, secret = house.cast.role("system_admin"), f"rival-{staff_id()[-8:]}", new_secret()
    added = pb.AddAgencyRequest(
        district=CITY,
        code=code,
        name="邻区法院",
        kind="court",
        tier="city",
        dockings=["court"],
        receiving_organ_id=house.cast.directory.organs_by_code["court"].id,
        endpoints=[pb.Endpoint(endpoint_id="feed", channel="pull", preferred=True)],
    )
    agency_id = (await wire.ask(staff, added)).agency_id
    await wire.ask(staff, pb.IssueCredentialRequest(agency_id=agency_id, secret=secret))
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        rival = Gateway(wire.stack.addresses["http"]["docking"], code, lambda: secret, wire.now, client)
        mine = court.gateway()
        offered = await mine.read("/exchanges", limit=1)
        known = offered.json()["exchanges"]
        yield Agencies(mine, rival, secret, known[0]["exchange_id"] if known else new_id())
    await court.close()
    await wire.close()


def told(answer: httpx2.Response, *ids: str) -> tuple[int, Any]:
    """Status and problem, apart from the ids asked for and the trace."""
    text = answer.text
    for ident in ids:
        text = text.replace(ident, "id")
    body = json.loads(text)
    return answer.status_code, {k: v for k, v in body.items() if k not in ("trace_id", "retry_after")}


@pytest.mark.req("DG10", "PF5")
async def test_a_key_of_another_agency_is_a_key_like_any_other(agencies: Agencies) -> None:
    document = {"type": "cn.tiaochu.docking.token.v1"}
    body = json.dumps(document).encode()
    key = new_id()
    first = await agencies.court.write("POST", "/tokens", body, agencies.court.signed(key, body))
    second = await agencies.other.write("POST", "/tokens", body, agencies.other.signed(key, body))
    assert (first.status_code, second.status_code) == (201, 201)
    notice = b'{"type":"cn.tiaochu.docking.court.notice.v1","data":{}}'
    await agencies.court.write("POST", "/notices", notice, agencies.court.signed(key := new_id(), notice))
    again = await agencies.other.write("POST", "/notices", notice, agencies.other.signed(key, notice))
    fresh = await agencies.other.write("POST", "/notices", notice, agencies.other.signed(other := new_id(), notice))
    assert told(again, key) == told(fresh, other)


@pytest.mark.req("DG10")
async def test_an_id_stands_for_one_request_for_ever(agencies: Agencies) -> None:
    notice = b'{"type":"cn.tiaochu.docking.court.notice.v1","data":{}}'
    key = new_id()
    first = await agencies.other.write("POST", "/notices", notice, agencies.other.signed(key, notice))
    replayed = await agencies.other.write("POST", "/notices", notice, agencies.other.signed(key, notice))
    assert told(first) == told(replayed)
    elsewhere = await agencies.other.write("POST", "/exchanges", notice, agencies.other.signed(key, notice))
    assert elsewhere.json()["reason"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.req("DG10", "PF5")
async def test_what_belongs_to_another_agency_is_answered_like_what_is_not_there(agencies: Agencies) -> None:
    for path in ("/exchanges/{}", "/exchanges/{}/packets", "/packets/{}", "/files/{}"):
        absent = new_id()
        answers = [told(await agencies.other.read(path.format(ident)), ident) for ident in (agencies.exchange, absent)]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert (await agencies.other.read("/exchanges")).json()["exchanges"] == []
    assert (await agencies.other.read("/sharing")).json()["lines"] == []
    assert (await agencies.other.read("/outbox")).json()["entries"] == []


@pytest.mark.req("DG10")
async def test_a_secret_that_was_taken_back_signs_nothing_more(agencies: Agencies) -> None:
    newer = new_secret()
    given = await agencies.other.change("POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "secret": newer})
    assert given.status_code == 201, given.text
    shown = (await agencies.other.read("/me")).json()["credentials"]
    old = next(c["credential_id"] for c in shown if c["credential_id"] != given.json()["credential_id"])
    body = json.dumps({"type": "cn.tiaochu.docking.credential.v1", "retire": old, "at_once": True}).encode()
    headers = agencies.other.signed(new_id(), body, secret=newer)
    assert (await agencies.other.write("POST", "/me/credentials", body, headers)).status_code == 201
    body = json.dumps({"type": "cn.tiaochu.docking.token.v1"}).encode()
    late = await agencies.other.write("POST", "/tokens", body, agencies.other.signed(new_id(), body, secret=agencies.secret))
    assert (late.status_code, late.json()["reason"]) == (401, "CREDENTIAL_EXPIRED")
    good = await agencies.other.write("POST", "/tokens", body, agencies.other.signed(new_id(), body, secret=newer))
    assert good.status_code == 201
