"""Bad packets at the agencies' door: signatures, replays, hostile headers, broken bodies."""

import base64
import hmac
import json
from datetime import datetime, timedelta

import httpx2
import pytest

from e2e.office import Office
from tiaochu_sandbox.gateway import Gateway, new_id, new_secret
from tiaochu_sandbox.hostile import BODY_CHARACTERS, hostile_headers


async def _post(gateway: Gateway, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    return await gateway.write("POST", "/notices", body, headers)


def _body(packet_id: str) -> bytes:
    return json.dumps({"type": "cn.tiaochu.docking.court.notice.v1", "data": {"packet_id": packet_id}}, ensure_ascii=False).encode()


_HEADERS: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no signature": ({"webhook-signature": None}, 401, "SIGNATURE_MISSING"),
    "no id": ({"webhook-id": None}, 401, "SIGNATURE_MISSING"),
    "wrong signature": ({"webhook-signature": "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 401, "SIGNATURE_INVALID"),
    "junk signature": ({"webhook-signature": "v1,, v1 ,,, ~~ v1,====="}, 401, "SIGNATURE_INVALID"),
    "other version only": ({"webhook-signature": "v2,AAAA"}, 401, "SIGNATURE_INVALID"),
    "time that is no number": ({"webhook-timestamp": "yesterday"}, 401, "SIGNATURE_INVALID"),
    "time with a sign": ({"webhook-timestamp": "+1"}, 401, "SIGNATURE_INVALID"),
    "id with a dot": ({"webhook-id": "a.b"}, 401, "SIGNATURE_INVALID"),
    "unknown agency": ({"tiaochu-agency": "nobody-here"}, 401, "SIGNATURE_INVALID"),
}


@pytest.mark.req("DG10", "PF2")
@pytest.mark.parametrize("name", _HEADERS)
async def test_a_header_that_is_not_right_is_refused_before_anything_is_read(office: Office, name: str) -> None:
    changes, status, reason = _HEADERS[name]
    gateway = await _gateway(office)
    ident = new_id()
    body = _body(ident)
    headers = gateway.signed(ident, body)
    for header, value in changes.items():
        if value is None:
            del headers[header]
        else:
            headers[header] = value
    answer = await _post(gateway, body, headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.req("DG10", "PF2")
async def test_the_21_hostile_header_sets_are_judged_rightly_at_the_door(office: Office) -> None:
    gateway = await _gateway(office)
    body = json.dumps({"type": "cn.tiaochu.docking.token.v1", "note": BODY_CHARACTERS}, ensure_ascii=False).encode()
    secret, other = (base64.b64decode(s.removeprefix("whsec_")) for s in (office.court.secret, new_secret()))
    agency = [(name.encode(), gateway.signed(new_id(), b"")[name].encode()) for name in ("tiaochu-agency", "content-type")]
    sets = hostile_headers(secret, other, new_id(), office.now(), body)
    assert len(sets) == 21
    judged = {}
    async with httpx2.AsyncClient(trust_env=False) as client:
        for name, sent in sets.items():
            answer = await client.post(gateway.address + "/tokens", content=body, headers=[*agency, *sent.raw])
            judged[name] = answer.status_code, answer.json().get("reason", "")
    stale = ("too old", "too new")
    refusals = {name: (401, "SIGNATURE_STALE" if name in stale else "SIGNATURE_INVALID") for name in sets}
    assert judged == {name: (201, "") if sent.genuine else refusals[name] for name, sent in sets.items()}


@pytest.mark.req("DG10")
@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_signature_of_another_hour_is_stale_and_the_answer_tells_the_time(office: Office, minutes: int) -> None:
    gateway = await _gateway(office)
    ident = new_id()
    body = _body(ident)
    at: datetime = office.now() + timedelta(minutes=minutes)
    answer = await _post(gateway, body, gateway.signed(ident, body, at=at))
    assert (answer.status_code, answer.json()["reason"]) == (401, "SIGNATURE_STALE")
    assert "server_time" in json.dumps(answer.json())


@pytest.mark.req("DG10")
async def test_a_signature_over_other_bytes_or_by_another_secret_is_invalid(office: Office) -> None:
    gateway = await _gateway(office)
    ident = new_id()
    body = _body(ident)
    for headers in (gateway.signed(ident, body + b" "), gateway.signed(ident, body, secret=new_secret())):
        answer = await _post(gateway, body, headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, "SIGNATURE_INVALID")


@pytest.mark.req("DG10")
async def test_a_letter_sent_again_as_it_was_answers_as_before_and_does_nothing_more(office: Office) -> None:
    gateway = await _gateway(office)
    exchange_id = await office.court.offer(office.delegation("push"))
    case_id = await office.court.case_of(exchange_id)
    [packet] = [p for p in await office.court.packets(exchange_id) if p["kind"] == "offer"]
    kept = await gateway.read(f"/packets/{packet['packet_id']}")
    fresh = gateway.signed(packet["packet_id"], kept.content)
    for headers in ({**fresh, **{n: v for n, v in kept.headers.items() if n.startswith("webhook-")}}, fresh):
        again = await gateway.write("POST", "/exchanges", kept.content, headers)
        assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true"), again.text
        assert again.json()["receipt"]["receipt_id"] == packet["receipt_id"]
    other = kept.content + b" "
    reused = await gateway.write("POST", "/exchanges", other, gateway.signed(packet["packet_id"], other))
    assert (reused.status_code, reused.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await office.court.case_of(exchange_id) == case_id


_BODIES: dict[str, bytes] = {
    "not json": b"{",
    "gb18030": '{"data": "纠纷"}'.encode("gb18030"),
    "lone surrogate": b'{"data": {"content": "\\ud800"}}',
    "deep": b"[" * 200 + b"]" * 200,
    "empty": b"",
}


@pytest.mark.req("DG10")
@pytest.mark.parametrize("name", _BODIES)
async def test_a_body_that_cannot_be_read_is_refused_though_well_signed(office: Office, name: str) -> None:
    gateway = await _gateway(office)
    ident = new_id()
    answer = await _post(gateway, _BODIES[name], _signed(gateway, office, ident, _BODIES[name]))
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["reason"] in ("MALFORMED", "FIELD_INVALID")


@pytest.mark.req("DG10")
async def test_a_body_over_a_megabyte_is_refused(office: Office) -> None:
    gateway = await _gateway(office)
    ident = new_id()
    body = json.dumps({"data": "x" * (1024 * 1024 + 1)}).encode()
    answer = await _post(gateway, body, gateway.signed(ident, body))
    assert answer.status_code == 413


async def _gateway(office: Office) -> Gateway:
    await office.court.dock()
    return office.court.gateway()


def _signed(gateway: Gateway, office: Office, ident: str, body: bytes) -> dict[str, str]:
    """Signed over the bytes as they are, which need not be text."""
    headers = gateway.signed(ident, b"")
    key = base64.b64decode(office.court.secret.removeprefix("whsec_"))
    signed = f"{ident}.{headers['webhook-timestamp']}.".encode() + body
    headers["webhook-signature"] = f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
    return headers
