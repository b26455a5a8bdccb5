"""A docking is data: the petition office (访调) docks by one file, and everything refuses and closes as that file says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from docking_tests.letters import NOW, body, party
from docking_tests.stage import ORGAN, Stage, opened
from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu.mediation.events.v1 import ending_events_pb2 as endings
from tiaochu.mediation.events.v1 import table_events_pb2 as table
from tiaochu.routing.events.v1 import responsibility_events_pb2 as routing
from tiaochu_kit.ids import new_id
from tiaochu_sandbox.gateway import Gateway, new_secret
from tiaochu_testkit.services import Cell
from tiaochu_testkit.waiting import eventually

PETITION = """
# 信访工作条例 19-23, 28
docking: petition
title: 访调对接
valid_from: 2026-01-01
set: petition/2026-11
levels: [[city, petition_bureau], [town, petition_office]]
fields: {party: [party_ref, role, kind, name, id_type, id_no, phone, region, flags], never: [accusation, repeat_petitioner]}
codes:
  scope: {voluntary: 自愿, joint_consult: 联合会商, leader_assigned: 领导交办}
  ground: {not_mediable: 不适宜调解, wrong_unit: 不属本单位, other: 其他}
types:
  request: mode x, matter s, registered_on d, scope_reason c:scope, facts l, region x, parties party[], first_result? s
  answer: accepted_on d
  back: ground x, suggested_organ s, note? s
  away: ground x
  outcome: outcome x, text? s
  entry: verdict x, entry_receipt_no s
modes:
  delegated:
    title: 移交调解
    offerer: theirs
    channel: petition
    moves_responsibility: true
    basis: {kind: B1, law: 信访工作条例 28, purpose: 多元化解}
    sign_within: 2wd
    lapses: true
    objection: 5wd
    close_when: [result_receipted, opinion_present]
    packets:
      offer: {content: request, needs: [leader_approval, "consent:applicant", "representatives<=5"]}
      sign: {content: answer}
      return: {content: back, grounds: ground}
      recall: {content: away}
      result: {content: outcome}
      opinion: {content: entry}
"""


class Office:
    """The petition office's developer."""

    def __init__(self, stage: Stage, gateway: Gateway) -> None:
        self.stage, self.gateway = stage, gateway

    def letter(self, kind: str, content: dict[str, Any], exchange_id: str, seq: int, **more: Any) -> dict[str, Any]:
        data = {
            "packet_id": new_id(), "docking": "petition", "schema": "petition/2026-11", "kind": kind, "exchange_id": exchange_id, "seq": seq,
            "issued_at": NOW.isoformat(), "issuer": {"agency": "petition-1"}, "content": content, **more,
        }  # fmt: skip
        return {"type": f"cn.tiaochu.docking.petition.{kind}.v1", "timestamp": data["issued_at"], "data": data}

    def offer(self, *, representatives: int = 0, approved: bool = True) -> dict[str, Any]:
        people = [party("p1", "applicant", 1), party("p2", "respondent", 2)]
        people += [party(f"r{n}", "representative", 100 + n) for n in range(representatives)]
        content = {
            "mode": "delegated", "matter": "宅基地排水", "registered_on": "2026-11-20", "scope_reason": "voluntary", "facts": "排水沟被填,多次反映。",
            "region": "321282100201", "parties": people,
        }  # fmt: skip
        approvals = [{"step": "leader", "post": "信访局局长", "at": NOW.isoformat()}] if approved else []
        consents = [{"party_ref": "p1", "what": "移交调解", "at": NOW.isoformat()}]
        return self.letter("offer", content, new_id(), 1, external_no=new_id(), approvals=approvals, consents=consents)

    async def post(self, document: dict[str, Any], path: str = "/exchanges", **headers: str) -> httpx2.Response:
        raw = body(document)
        return await self.gateway.write("POST", path, raw, {**self.gateway.signed(document["data"]["packet_id"], raw), **headers})

    async def pull(self) -> list[dict[str, Any]]:
        """Read and acknowledge what waits."""
        entries: list[dict[str, Any]] = (await self.gateway.read("/outbox")).json()["entries"]
        acks = [{"packet_id": e["packet_id"], "receipt_id": f"x-{e['packet_id']}", "sha256": e["sha256"]} for e in entries]
        if acks:
            await self.gateway.change("POST", "/outbox/acks", {"type": "cn.tiaochu.docking.acks.v1", "acks": acks})
        return entries


@pytest.fixture
async def office(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    folder = tmp_path / "dockings"
    folder.mkdir()
    (folder / "petition.yaml").write_text(PETITION)
    monkeypatch.setenv("TIAOCHU_DOCKING_DOCKINGS_DIR", str(folder))
    async with opened(cell, tmp_path) as stage:
        secret = new_secret()
        added = await stage.call(
            "AddAgency",
            pb.AddAgencyRequest(
                request_id=new_id(),
                district="321282",
                code="petition-1",
                name="靖江市信访局",
                kind="petition",
                tier="city",
                dockings=["petition"],
                endpoints=[pb.Endpoint(endpoint_id="feed", channel="pull", preferred=True)],
                receiving_organ_id=ORGAN,
            ),
        )
        await stage.call("IssueCredential", pb.IssueCredentialRequest(request_id=new_id(), agency_id=added.agency_id, secret=secret))
        yield Office(stage, stage.gateway("petition-1", secret))


@pytest.mark.req("DG1")
async def test_each_condition_of_the_file_is_asked_for(office: Office) -> None:
    lacking = await office.post(office.offer(approved=False))
    assert (lacking.status_code, lacking.json()["reason"], lacking.json()["which"]) == (422, "PRECONDITION_MISSING", "leader_approval")
    crowd = await office.post(office.offer(representatives=6))
    assert (crowd.json()["reason"], crowd.json()["which"]) == ("PRECONDITION_MISSING", "representatives<=5")
    accusing = office.offer()
    accusing["data"]["content"]["accusation"] = "…"
    assert (await office.post(accusing)).json()["reason"] == "FORBIDDEN_CONTENT"
    assert (await office.post(office.offer(representatives=5))).status_code == 201
    assert [r.channel for r in await _registered(office, 1)] == ["petition"]


async def _registered(office: Office, count: int) -> list[Any]:
    async def there() -> bool:
        return len(office.stage.around.registered) == count

    await eventually(there)
    return office.stage.around.registered


async def test_it_closes_only_with_the_entry_receipt(office: Office) -> None:
    document = office.offer()
    await office.post(document)
    exchange_id = document["data"]["exchange_id"]
    case_id = await office.stage.registered(exchange_id)
    await office.stage.say(case_id, table.AssignmentAccepted(case_id=case_id, assignment_id=new_id(), mediator_id="m"))
    await office.stage.say(case_id, _terminated(case_id))

    async def result() -> dict[str, Any]:
        return next((e for e in await office.pull() if e["kind"] == "result"), {})

    told = await eventually(result)
    view = await office.gateway.read(f"/exchanges/{exchange_id}")
    assert (view.json()["state"], view.json()["expects"]) == ("answered", ["opinion"])
    entry = office.letter("opinion", {"verdict": "entered", "entry_receipt_no": "X-1"}, exchange_id, 2, in_reply_to=told["packet_id"])
    closed = await office.post(entry, f"/exchanges/{exchange_id}/packets", **{"if-match": view.headers["etag"]})
    assert (closed.status_code, closed.json()["state"]) == (201, "closed")


async def test_a_declined_matter_goes_back_in_the_files_own_words(office: Office) -> None:
    document = office.offer()
    await office.post(document)
    case_id = await office.stage.registered(document["data"]["exchange_id"])
    await office.stage.say(case_id, routing.CaseDeclined(case_id=case_id, ground="wrong_unit"))

    async def back() -> list[dict[str, Any]]:
        return [e for e in await office.pull() if e["kind"] == "return"]

    [entry] = await eventually(back)
    assert '"ground":"wrong_unit"' in entry["body"]


def _terminated(case_id: str) -> Any:
    return endings.MediationTerminated(case_id=case_id, ground="not_agreed")
