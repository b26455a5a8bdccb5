"""The gateway and the court together: the whole way of a matter, by webhook and by feed, with everything that goes wrong on it."""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from docking_tests.peers import AGREEMENT_ID, DISTRICT
from docking_tests.stage import ADMIN, DEPUTY, Stage
from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu.intake.events.v1 import case_events_pb2 as intake
from tiaochu.log.v1.log_service_pb2 import ListCallsRequest, RetryCallRequest
from tiaochu.mediation.events.v1 import agreement_events_pb2 as agreements
from tiaochu.mediation.events.v1 import ending_events_pb2 as endings
from tiaochu.mediation.events.v1 import table_events_pb2 as table
from tiaochu.routing.events.v1 import responsibility_events_pb2 as routing
from tiaochu_domainkit.clocks import BEIJING
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_sandbox.gateway import verify
from tiaochu_testkit.waiting import eventually


async def accept(stage: Stage, case_id: str) -> None:
    await stage.say(case_id, table.AssignmentAccepted(case_id=case_id, assignment_id=new_id(), mediator_id="m"))


async def agree(stage: Stage, case_id: str) -> None:
    stage.around.effective_at = stage.now()
    await stage.say(
        case_id, agreements.AgreementEffective(case_id=case_id, agreement_id=AGREEMENT_ID, agreement_number="(2026)靖调字第0001号")
    )


async def gateway_state(stage: Stage, exchange_id: str) -> str:
    return str((await stage.rows("SELECT status FROM exchanges WHERE id = %s", exchange_id))[0][0])


async def until_closed(stage: Stage, exchange_id: str, state: str = "closed", timeout: float = 15) -> None:
    async def there() -> bool:
        return await gateway_state(stage, exchange_id) == state

    await eventually(there, timeout=timeout)


@pytest.mark.req("DG5", "DG10")
async def test_a_delegated_case_goes_its_whole_way_by_webhook(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    [registered] = court.around.registered
    assert (registered.channel, registered.docking_mode, registered.external_no) == ("court", "before_filing", "(2026)苏1282诉前调1号")
    assert [p.name for p in registered.applicants] != []
    await accept(court, case_id)
    await court.until(exchange_id, "signed")
    await court.say(case_id, table.SessionHeld(case_id=case_id, session_id=new_id(), number=1, result="agreed"))
    await agree(court, case_id)
    matter = await court.until(exchange_id, "answered")
    assert [(p["direction"], p["kind"], p["seq"]) for p in matter["packets"]] == [
        ("out", "offer", 1), ("in", "sign", 1), ("in", "progress", 2), ("in", "result", 3),
    ]  # fmt: skip
    assert matter["outcome"] == "agreed"
    await until_closed(court, exchange_id)
    told = await court.events(exchange_id)
    assert told[:2] == ["OfferReceived", "PacketReceived"]
    assert told[-1] == "ExchangeClosed"
    assert sorted(told) == sorted(
        ["OfferReceived", "PacketReceived", "ExchangeLinked", "ExchangeSigned", "ExchangeAnswered", "ExchangeClosed"]
        + ["PacketIssued", "PacketReceipted"] * 3
    )


async def test_some_matters_are_answered_over_the_feed(court: Stage) -> None:
    exchange_id = await court.offered(endpoint="feed")
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await agree(court, case_id)

    async def queued() -> bool:
        return await court.rows("SELECT count(*) FROM deliveries WHERE status = 'waiting'") == [(2,)]

    await eventually(queued)
    assert (await court.matter(exchange_id))["state"] == "offered"
    assert (await court.sandbox("POST", "pull", {}))["packets"] == 2
    assert (await court.sandbox("POST", "pull", {}))["packets"] == 0
    assert (await court.matter(exchange_id))["state"] == "answered"
    await until_closed(court, exchange_id)
    assert (await court.sandbox("POST", "pull", {"after": 0}))["packets"] == 2, "any earlier place can be read again"
    channels = await court.rows("SELECT DISTINCT channel FROM receipts")
    assert channels == [("pull",)]


async def test_a_confirmation_is_offered_decided_and_told(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await court.say(case_id, intake.CaseClassified(case_id=case_id, category="0804"))
    await accept(court, case_id)
    await agree(court, case_id)
    await court.say(
        case_id,
        agreements.ConfirmationRequested(case_id=case_id, agreement_id=AGREEMENT_ID, agency_id=court.agency_id, confirmation_id=new_id()),
    )

    async def ruled() -> list[Any]:
        return await court.rows("SELECT id::text FROM exchanges WHERE doc->>'mode' = 'confirm' AND status = 'closed'")

    [(confirmation,)] = await eventually(ruled)
    assert "CourtRulingReceived" in await court.events(confirmation)
    matters = (await court.sandbox("GET", "matters?mode=confirm"))["matters"]
    assert [(m["outcome"], m["agreement_no"]) for m in matters] == [("valid", "(2026)靖调字第0001号")]
    [packet] = [p for p in (await court.matter(confirmation))["packets"] if p["kind"] == "offer"]
    told = await court.call("GetPacket", pb.GetPacketRequest(packet_id=packet["packet_id"]), by=DEPUTY)
    content = json.loads(told.body)["data"]["content"]
    assert [p["role"] for p in content["parties"]] == ["applicant", "respondent"]
    assert "ethnicity" not in str(content)
    assert content["competent_because"] == "invited"


async def test_the_court_may_dismiss_or_not_accept(court: Stage) -> None:
    for seed, (ruling, expected) in enumerate([("dismissed", "closed"), ("return", "returned")]):
        await court.sandbox("PUT", "policy", {"ruling": ruling})
        case_id = await court.registered(await court.offered(10 + seed))
        await court.say(case_id, intake.CaseClassified(case_id=case_id, category="0804"))
        court.around.effective_at = court.now()
        await court.say(
            case_id,
            agreements.ConfirmationRequested(case_id=case_id, agreement_id=new_id(), agency_id=court.agency_id, confirmation_id=new_id()),
        )

        async def decided(state: str = expected, case: str = case_id) -> bool:
            found = await court.rows("SELECT status FROM exchanges WHERE doc->>'mode' = 'confirm' AND case_id = %s", case)
            return found == [(state,)]

        await eventually(decided)
    types = await court.rows("SELECT count(*) FROM journal WHERE type LIKE '%%CourtRulingReceived'")
    assert types == [(2,)]


@pytest.mark.parametrize(
    ("ground", "before", "kind", "expected"),
    [("not_agreed", False, "result", "closed"), ("unreachable", True, "return", "returned"), ("withdrawn", False, "result", "closed")],
)
async def test_every_end_is_told(court: Stage, ground: str, before: bool, kind: str, expected: str) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    if not before:
        await accept(court, case_id)
    await court.say(case_id, endings.MediationTerminated(case_id=case_id, ground=ground, before_acceptance=before))
    await until_closed(court, exchange_id, expected)
    matter = await court.until(exchange_id, "answered" if kind == "result" else "returned")
    assert matter["packets"][-1]["kind"] == kind
    if ground == "withdrawn":
        assert matter["outcome"] == "withdrawn"


async def test_a_declined_case_goes_back_with_its_ground(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await court.say(case_id, routing.CaseDeclined(case_id=case_id, ground="not_competent"))
    await court.until(exchange_id, "returned")


async def test_what_intake_refuses_goes_back_to_the_court(court: Stage) -> None:
    court.around.refusal = DomainError(Kind.INVALID_INPUT, "FIELD_INVALID", "no", "不行")
    exchange_id = await court.offered()
    await court.until(exchange_id, "returned")


async def test_a_merged_case_gets_its_own_answer(court: Stage) -> None:
    first, second = await court.offered(1), await court.offered(2)
    one, two = await court.registered(first), await court.registered(second)
    await court.say(two, intake.CaseMerged(case_id=two, master_case_id=one))
    await accept(court, one)
    await agree(court, one)
    await until_closed(court, first)
    await until_closed(court, second)


async def test_papers_travel_with_the_case(court: Stage) -> None:
    papers = [{"name": "起诉状.pdf", "kind": "plaint", "base64": "JVBERi0xLjcKeA=="}]
    exchange_id = await court.offered(papers=papers)
    await court.registered(exchange_id)
    assert court.around.files == [("起诉状.pdf", b"%PDF-1.7\nx")]
    assert len(court.around.registered[0].file_ids) == 1


async def test_an_unsigned_offer_lapses_once_and_the_court_is_told(court: Stage) -> None:
    exchange_id = await court.offered()
    await court.registered(exchange_id)
    court.cell.step_clock(40 * 86400)
    await until_closed(court, exchange_id, "lapsed")
    await court.until(exchange_id, "recalled")
    assert (await court.events(exchange_id)).count("ExchangeLapsed") == 1


async def test_nothing_is_lost_or_doubled_by_a_court_that_misbehaves(court: Stage) -> None:
    for name in ("lost_answer", "bad_receipt", "refuse"):
        await court.sandbox("POST", "scenarios", {"name": name})
    for name in ("twice", "lying_clock", "corrupt", "old_secret"):
        await court.sandbox("POST", "scenarios", {"name": name})
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await agree(court, case_id)
    for _ in range(4):
        await asyncio.sleep(0)
        court.cell.step_clock(10 * 60)

    async def closed() -> bool:
        court.cell.step_clock(60)
        return await gateway_state(court, exchange_id) == "closed"

    await eventually(closed, timeout=20)
    matter = await court.matter(exchange_id)
    assert [(p["kind"], p["seq"]) for p in matter["packets"] if p["direction"] == "in"] == [("sign", 1), ("result", 2)]
    assert await court.rows("SELECT count(*) FROM exchanges") == [(1,)]
    reasons = {c["reason"] for c in (await court.sandbox("GET", "calls"))["calls"]}
    assert {"SIGNATURE_STALE", "SIGNATURE_INVALID"} <= reasons


async def test_a_gone_endpoint_keeps_its_queue(court: Stage) -> None:
    await court.sandbox("POST", "scenarios", {"name": "gone", "times": 1})
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)

    async def paused() -> bool:
        [agency] = (await court.call("ListAgencies", pb.ListAgenciesRequest())).agencies
        return agency.endpoints[0].state == "paused" or any(e.state == "paused" for e in agency.endpoints)

    await eventually(paused)
    assert await court.rows("SELECT status FROM deliveries") == [("waiting",)]
    await court.call(
        "PauseEndpoint", pb.PauseEndpointRequest(request_id=new_id(), agency_id=court.agency_id, endpoint_id="main", resume=True)
    )
    await court.until(exchange_id, "signed")


async def test_a_dead_letter_holds_back_its_case_alone_until_somebody_acts(court: Stage) -> None:
    first, second = await court.offered(1), await court.offered(2)
    one, two = await court.registered(first), await court.registered(second)
    await court.sandbox("POST", "scenarios", {"name": "refuse", "value": 422})
    await accept(court, one)

    async def dead() -> Any:
        return (await court.call("ListDeadLetters", pb.ListDeadLettersRequest())).deliveries

    [letter] = await eventually(dead)
    assert (letter.last_status, letter.last_fault, letter.kind) == (422, "REFUSED", "sign")
    assert "DeliveryDead" in await court.events(first)
    await agree(court, one)
    await accept(court, two)
    await court.until(second, "signed")
    assert (await court.matter(first))["state"] == "offered"
    await court.call("ReplayDelivery", pb.ReplayDeliveryRequest(request_id=new_id(), delivery_id=letter.delivery_id))
    await until_closed(court, first)
    assert (await court.matter(first))["outcome"] == "agreed"


async def test_after_fourteen_days_of_silence_a_person_looks(court: Stage) -> None:
    await court.sandbox("POST", "scenarios", {"name": "refuse", "times": -1, "value": 503})
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)

    async def dead() -> Any:
        court.cell.step_clock(6.5 * 3600)
        return (await court.call("ListDeadLetters", pb.ListDeadLettersRequest())).deliveries

    [letter] = await eventually(dead, timeout=60)
    assert letter.last_fault == "HORIZON"
    assert letter.attempts > 2
    await court.call(
        "SkipDelivery", pb.SkipDeliveryRequest(request_id=new_id(), delivery_id=letter.delivery_id, note="专人送达立案庭", on_paper=True)
    )
    [told] = (await court.call("ListDeliveries", pb.ListDeliveriesRequest(exchange_id=exchange_id))).deliveries
    assert (told.state, told.channel, told.note) == ("receipted", "paper", "专人送达立案庭")


async def test_a_court_restored_from_a_backup_gets_everything_again_in_order(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    moment = court.now() + timedelta(milliseconds=5)
    before = moment.astimezone(BEIJING).isoformat(timespec="milliseconds")
    await asyncio.sleep(0.01)
    await accept(court, case_id)
    await court.until(exchange_id, "signed")
    assert (await court.sandbox("POST", "forget", {"after": before}))["forgotten"] == 1
    await agree(court, case_id)
    court.cell.step_clock(30)
    matter = await court.until(exchange_id, "answered")
    assert [(p["kind"], p["seq"]) for p in matter["packets"] if p["direction"] == "in"] == [("sign", 1), ("result", 2)]


async def test_a_court_that_sends_in_the_wrong_order_is_told_the_right_one(court: Stage) -> None:
    await court.sandbox("PUT", "policy", {"ruling": "hold"})
    case_id = await court.registered(await court.offered())
    await court.say(case_id, intake.CaseClassified(case_id=case_id, category="0804"))
    court.around.effective_at = court.now()
    await court.say(
        case_id,
        agreements.ConfirmationRequested(case_id=case_id, agreement_id=AGREEMENT_ID, agency_id=court.agency_id, confirmation_id=new_id()),
    )

    async def heard() -> list[Any]:
        return list((await court.sandbox("GET", "matters?mode=confirm"))["matters"])

    [matter] = await eventually(heard)
    await court.sandbox("POST", "scenarios", {"name": "out_of_order"})
    await court.sandbox("PUT", "policy", {"ruling": "valid"})
    await until_closed(court, matter["exchange_id"])
    reasons = [c["reason"] for c in (await court.sandbox("GET", "calls"))["calls"]]
    assert "OUT_OF_ORDER" in reasons or "STATE_FORBIDS" not in reasons


async def test_what_may_not_pass_does_not_leave_and_somebody_is_told(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await court.until(exchange_id, "signed")
    court.around.effective_at = None  # an agreement without a day: its result cannot be written
    court.around.terms = ""
    await court.say(case_id, agreements.AgreementEffective(case_id=case_id, agreement_id=AGREEMENT_ID))

    async def told() -> bool:
        return "DeliveryDead" in await court.events(exchange_id)

    await eventually(told)
    assert await court.rows("SELECT kind FROM packets WHERE direction = 'out'") == [("sign",)]


async def test_an_offer_that_may_not_pass_is_told_of_the_case_and_made_again_when_it_is_mended(court: Stage) -> None:
    case_id = await court.registered(await court.offered())
    await court.say(case_id, intake.CaseClassified(case_id=case_id, category="0804"))
    court.around.effective_at, court.around.terms = None, ""
    await court.say(
        case_id,
        agreements.ConfirmationRequested(case_id=case_id, agreement_id=AGREEMENT_ID, agency_id=court.agency_id, confirmation_id=new_id()),
    )

    async def told() -> list[Any]:
        return await court.rows("SELECT subject FROM journal WHERE type LIKE '%%DeliveryDead'")

    assert await eventually(told) == [(case_id,)]
    log = "tiaochu.log.v1.LogService"

    async def kept() -> list[Any]:
        answer = await court.running.call(f"{log}/ListCalls", ListCallsRequest(kind="confirm", refused=True), by=ADMIN)
        return list(answer.calls)

    [call] = await eventually(kept)
    assert call.error == "FIELD_INVALID"
    court.around.effective_at, court.around.terms = court.now(), "乙方归还借款。"
    await court.running.call(f"{log}/RetryCall", RetryCallRequest(id=call.id), by=ADMIN)

    async def offered() -> list[Any]:
        return await court.rows("SELECT packet_id::text FROM packets WHERE direction = 'out' AND kind = 'offer'")

    assert await eventually(offered) == [(call.id,)]


async def test_staff_act_in_their_own_district(court: Stage) -> None:
    exchange_id = await court.offered()
    stranger = Principal("admin-9", frozenset({"system_admin"}), "o9", "/o9/", frozenset({"320999"}))
    assert not (await court.call("ListExchanges", pb.ListExchangesRequest(), by=stranger)).exchanges
    with pytest.raises(DomainError) as refusal:
        await court.call("GetExchange", pb.GetExchangeRequest(exchange_id=exchange_id), by=stranger)
    assert refusal.value.reason == "NOT_FOUND"
    request = pb.AddAgencyRequest(
        request_id=new_id(),
        district=DISTRICT,
        code="spy",
        name="某机构",
        kind="court",
        tier="city",
        dockings=["court"],
        endpoints=[pb.Endpoint(endpoint_id="main", channel="pull", preferred=True)],
        receiving_organ_id="o9",
    )
    with pytest.raises(DomainError) as refusal:
        await court.call("AddAgency", request, by=stranger)
    assert refusal.value.reason == "OUTSIDE_DISTRICT"
    with pytest.raises(DomainError) as refusal:
        await court.call(
            "PauseEndpoint", pb.PauseEndpointRequest(request_id=new_id(), agency_id=court.agency_id, endpoint_id="main"), by=stranger
        )
    assert refusal.value.reason == "NOT_FOUND"


async def test_secrets_rotate_without_a_refused_packet(court: Stage) -> None:
    await court.sandbox("POST", "rotate")
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await court.until(exchange_id, "signed")
    calls = (await court.sandbox("GET", "calls"))["calls"]
    assert {c["status"] for c in calls} <= {200, 201}


async def test_a_day_is_compared_and_what_is_missing_comes_again(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await court.until(exchange_id, "signed")
    await until_closed(court, exchange_id, "signed")
    day = (court.now() + timedelta(hours=8)).date().isoformat()
    agreed = await court.sandbox("POST", f"reconciliations/{day}")
    assert (agreed["ours"], agreed["theirs"], agreed["differences"]) == (2, 2, [])
    [sign] = [p["packet_id"] for p in (await court.matter(exchange_id))["packets"] if p["kind"] == "sign"]
    secret = court.identity["secret"]
    gateway = court.gateway(court.identity["code"], secret)
    extra = new_id()
    seen = [
        {"packet_id": p["packet_id"], "sha256": p["sha256"]} for p in (await court.matter(exchange_id))["packets"] if p["kind"] == "offer"
    ]
    seen[0]["sha256"] = "0" * 64
    document = {"type": "cn.tiaochu.docking.day.v1", "date": day, "packets": [*seen, {"packet_id": extra, "sha256": "0" * 64}]}
    answer = (await gateway.change("POST", f"/reconciliations/{day}", document)).json()
    assert {(d["packet_id"], d["kind"], d["repair"]) for d in answer["differences"]} == {
        (extra, "missing_here", "resend"),
        (seen[0]["packet_id"], "differing", "look"),
        (sign, "missing_there", "redeliver"),
    }
    told = await court.call("GetReconciliation", pb.GetReconciliationRequest(agency_id=court.agency_id, on=day))
    assert (told.ours, told.theirs, len(told.differences)) == (2, 2, 3)

    async def receipted_again() -> bool:
        return await court.rows("SELECT status FROM deliveries") == [("receipted",)]

    await eventually(receipted_again)
    assert await court.rows("SELECT count(*) FROM receipts") == [(1,)]


@pytest.mark.req("DG13")
async def test_every_disclosure_stands_in_the_ledger_and_the_chain_holds(court: Stage) -> None:
    exchange_id = await court.offered()
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)
    await agree(court, case_id)
    await until_closed(court, exchange_id)
    entries = (await court.call("ListSharing", pb.ListSharingRequest(agency_id=court.agency_id), by=DEPUTY)).entries
    running = b""
    for n, entry in enumerate(entries, 1):
        running = hashlib.sha256(running + entry.entry).digest()
        assert (entry.seq, entry.hash) == (n, running)
    told = [json.loads(e.entry) for e in entries]
    assert [(t["kind"], t["state"]) for t in told] == [
        ("sign", "possible"), ("sign", "confirmed"), ("result", "possible"), ("result", "confirmed"),
    ]  # fmt: skip
    assert told[2]["basis"] == "B1"
    assert "facts" in told[2]["groups"]
    own = court.gateway(court.identity["code"], court.identity["secret"])
    lines = (await own.read("/sharing")).json()["lines"]
    assert [line["hash"] for line in lines] == [e.hash.hex() for e in entries]


async def test_reading_a_packet_of_ours_is_a_disclosure_too(court: Stage) -> None:
    exchange_id = await court.offered(endpoint="feed")
    case_id = await court.registered(exchange_id)
    await accept(court, case_id)

    async def queued() -> list[Any]:
        return await court.rows("SELECT packet_id FROM deliveries")

    [(packet_id,)] = await eventually(queued)
    own = court.gateway(court.identity["code"], court.identity["secret"])
    answer = await own.read(f"/packets/{packet_id}")
    assert answer.headers["webhook-signature"].startswith("v1,")
    assert verify([court.identity["secret"]], dict(answer.headers), answer.content, court.now())
    assert await court.rows("SELECT state FROM sharing") == [("possible",)]


async def test_who_may_do_what(court: Stage) -> None:
    exchange_id = await court.offered()
    listed = await court.call("ListExchanges", pb.ListExchangesRequest())
    assert [e.exchange_id for e in listed.exchanges] == [exchange_id]
    with pytest.raises(DomainError) as refusal:
        await court.call("GetPacket", pb.GetPacketRequest(packet_id=new_id()), by=ADMIN)
    assert refusal.value.reason == "ROLE_MISSING"
    actions = (await court.call("ListAllowedActions", pb.ListAllowedActionsRequest(exchange_id=exchange_id))).actions
    assert {a.command: (a.allowed, a.reason) for a in actions} == {
        "sign": (True, ""),
        "return": (True, ""),
        "recall": (False, "KIND_NOT_ALLOWED"),
        "supplement": (True, ""),
        "progress": (False, "STATE_FORBIDS"),
        "result": (False, "STATE_FORBIDS"),
        "opinion": (False, "KIND_NOT_ALLOWED"),
    }
    assert DISTRICT in ADMIN.districts
