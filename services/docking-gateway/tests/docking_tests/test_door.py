"""The agencies' door over real HTTP: signatures, repetitions, refusals, reads."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import httpx2
import pytest

from docking_tests.letters import body, envelope, offer
from docking_tests.stage import Stage
from tiaochu_kit.ids import new_id
from tiaochu_sandbox.gateway import Gateway, new_secret

ENDPOINT = {"endpoint_id": "main", "channel": "pull", "url": "", "preferred": True}


@pytest.fixture
async def door(stage: Stage) -> "Door":
    secret = new_secret()
    await stage.add_agency("court-1", secret, [ENDPOINT])
    return Door(stage, stage.gateway("court-1", secret), secret)


class Door:
    """An agency's developer at work."""

    def __init__(self, stage: Stage, gateway: Gateway, secret: str) -> None:
        self.stage = stage
        self.gateway = gateway
        self.secret = secret

    async def post(self, document: dict[str, Any], path: str = "/exchanges", **headers: str) -> httpx2.Response:
        raw = body(document)
        return await self.gateway.write("POST", path, raw, {**self.gateway.signed(document["data"]["packet_id"], raw), **headers})


def fresh(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    data = {**document["data"], "packet_id": new_id(), **changes}
    return {**document, "data": data}


async def test_a_valid_offer_is_stored_and_its_receipt_is_over_the_bytes(door: Door) -> None:
    document = offer()
    answer = await door.post(document)
    assert answer.status_code == 201
    told = answer.json()
    assert told["receipt"]["sha256"] == hashlib.sha256(body(document)).hexdigest()
    assert (told["state"], answer.headers["etag"]) == ("offered", '"r1"')
    assert answer.headers["location"].endswith(document["data"]["exchange_id"])
    assert "ratelimit" in answer.headers


async def test_the_same_bytes_answer_the_same_and_other_bytes_are_refused(door: Door) -> None:
    document = offer()
    first = await door.post(document)
    again = await door.post(document)
    assert (again.status_code, again.json(), again.headers["idempotent-replay"]) == (201, first.json(), "true")
    document["data"]["content"]["cause"] = "买卖合同纠纷"
    other = await door.post(document)
    assert (other.status_code, other.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_two_equal_posts_at_once_make_one_exchange(door: Door) -> None:
    document = offer()
    answers = await asyncio.gather(*(door.post(document) for _ in range(4)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.text for a in answers}) == 1
    assert await door.stage.rows("SELECT count(*) FROM exchanges") == [(1,)]


async def test_the_agencys_number_is_offered_once_whatever_the_packet(door: Door) -> None:
    document = offer()
    await door.post(document)
    again = await door.post(fresh(document, exchange_id=new_id()))
    assert (again.status_code, again.json()["reason"]) == (409, "DUPLICATE_EXTERNAL_NO")
    assert again.json()["exchange_id"] == document["data"]["exchange_id"]


async def test_what_is_not_proved_is_not_read_and_not_stored(door: Door) -> None:
    document = offer()
    raw = body(document)
    good = door.gateway.signed(document["data"]["packet_id"], raw)
    wrong = door.gateway.signed(document["data"]["packet_id"], raw, secret=new_secret())
    cases = [
        ({**good, "webhook-signature": "garbage"}, raw, "SIGNATURE_INVALID"),
        (wrong, raw, "SIGNATURE_INVALID"),
        (good, raw + b" ", "SIGNATURE_INVALID"),
        ({**good, "tiaochu-agency": "nobody"}, raw, "SIGNATURE_INVALID"),
        ({k: v for k, v in good.items() if k != "webhook-id"}, raw, "SIGNATURE_MISSING"),
        ({**good, "webhook-timestamp": "1"}, raw, "SIGNATURE_STALE"),
    ]
    for headers, content, reason in cases:
        answer = await door.gateway.write("POST", "/exchanges", content, headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, reason)
    assert await door.stage.rows("SELECT count(*) FROM letters") == [(0,)]


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"idempotency-key": "another"}, 400, "KEY_MISMATCH"),
        ({"content-type": "text/xml"}, 415, "MEDIA_TYPE"),
    ],
)
async def test_headers_that_contradict_the_letter(door: Door, headers: dict[str, str], status: int, reason: str) -> None:
    answer = await door.post(offer(), **headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert await door.stage.rows("SELECT count(*) FROM letters") == [(0,)]


async def raw_post(door: Door, raw: bytes) -> httpx2.Response:
    ident = new_id()
    key = base64.b64decode(door.secret.removeprefix("whsec_"))
    stamp = str(int(door.stage.now().timestamp()))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + raw, "sha256")).decode()
    headers = {
        "tiaochu-agency": "court-1",
        "content-type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }
    return await door.gateway.write("POST", "/exchanges", raw, headers)


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (b"", 400, "MALFORMED"),
        (b"{", 400, "MALFORMED"),
        ("{'诉': 1}".encode(), 400, "MALFORMED"),
        ("{\"a\": \"诉\"}".encode("gb18030"), 400, "MALFORMED"),
        (b'{"a": "\\ud800"}', 400, "MALFORMED"),
        (b"[" * 33 + b"]" * 33, 400, "MALFORMED"),
        (b"[" * 5000 + b"]" * 5000, 400, "MALFORMED"),
        (b'{"a": NaN}', 400, "MALFORMED"),
        (b"[]", 422, "FIELD_INVALID"),
        (b" " * (1024 * 1024 + 1), 413, "TOO_LARGE"),
    ],
)  # fmt: skip
async def test_bodies_that_are_no_letters(door: Door, raw: bytes, status: int, reason: str) -> None:
    answer = await raw_post(door, raw)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert await door.stage.rows("SELECT count(*) FROM exchanges") == [(0,)]


async def test_a_refused_letter_is_kept_as_evidence_with_the_reason_and_has_no_effect(door: Door) -> None:
    document = offer()
    document["data"]["content"]["procedure"] = "fast"
    answer = await door.post(document)
    assert (answer.status_code, answer.json()["reason"]) == (422, "CODE_UNKNOWN")
    assert answer.json()["errors"][0]["pointer"] == "/data/content/procedure"
    assert await door.stage.rows("SELECT refused FROM letters") == [("CODE_UNKNOWN",)]
    assert await door.stage.rows("SELECT count(*) FROM exchanges") == [(0,)]


async def test_personal_data_lies_sealed(door: Door) -> None:
    document = offer()
    number = document["data"]["content"]["parties"][0]["id_no"]
    await door.post(document)
    for table in ("letters", "packets", "exchanges", "journal", "case_files", "request_keys"):
        rows = await door.stage.rows(f"SELECT t::text FROM {table} t")
        assert number not in str(rows), table


async def test_the_body_must_say_what_the_path_says(door: Door) -> None:
    document = offer()
    await door.post(document)
    exchange_id = document["data"]["exchange_id"]
    progress = envelope("recall", {"ground": "filed"}, exchange_id=new_id(), seq=2)
    answer = await door.post(progress, f"/exchanges/{exchange_id}/packets", **{"if-match": '"r1"'})
    assert answer.json()["reason"] == "PATH_BODY_MISMATCH"
    answer = await door.post(offer(2), f"/exchanges/{exchange_id}/packets")
    assert answer.json()["reason"] == "PATH_BODY_MISMATCH"
    answer = await door.post(offer(3, agency="court-2"))
    assert answer.json()["reason"] == "PATH_BODY_MISMATCH"


async def test_state_changes_need_the_newest_etag(door: Door) -> None:
    document = offer()
    await door.post(document)
    exchange_id = document["data"]["exchange_id"]
    path = f"/exchanges/{exchange_id}/packets"
    recall = envelope("recall", {"ground": "filed"}, exchange_id=exchange_id, seq=2)
    without = await door.post(recall, path)
    assert (without.status_code, without.json()["reason"], without.headers["etag"]) == (428, "IF_MATCH_REQUIRED", '"r1"')
    stale = await door.post(recall, path, **{"if-match": '"r0"'})
    assert (stale.status_code, stale.json()["reason"], stale.headers["etag"]) == (412, "VERSION_CHANGED", '"r1"')
    done = await door.post(recall, path, **{"if-match": stale.headers["etag"]})
    assert (done.status_code, done.json()["state"]) == (201, "recalled")
    late = await door.post(
        envelope("recall", {"ground": "filed"}, exchange_id=exchange_id, seq=3), path, **{"if-match": done.headers["etag"]}
    )
    assert (late.status_code, late.json()["reason"], late.json()["current"], late.json()["allowed"]) == (
        409,
        "STATE_FORBIDS",
        "recalled",
        "",
    )


async def test_numbers_out_of_order_are_told_the_expected_one(door: Door) -> None:
    document = offer()
    await door.post(document)
    exchange_id = document["data"]["exchange_id"]
    ahead = envelope("supplement", {"asks": True, "text": "请补充证据"}, exchange_id=exchange_id, seq=5)
    answer = await door.post(ahead, f"/exchanges/{exchange_id}/packets")
    assert (answer.status_code, answer.json()["reason"], answer.json()["expected"]) == (409, "OUT_OF_ORDER", 2)


async def test_kinds_of_the_other_side_are_not_allowed(door: Door) -> None:
    document = offer()
    await door.post(document)
    exchange_id = document["data"]["exchange_id"]
    sign = envelope("sign", {"accepted_on": "2026-11-24"}, exchange_id=exchange_id, seq=2)
    answer = await door.post(sign, f"/exchanges/{exchange_id}/packets", **{"if-match": '"r1"'})
    assert (answer.status_code, answer.json()["reason"]) == (403, "KIND_NOT_ALLOWED")


async def test_reads_need_a_bearer_and_show_only_ones_own(door: Door) -> None:
    document = offer()
    await door.post(document)
    exchange_id = document["data"]["exchange_id"]
    other_secret = new_secret()
    await door.stage.add_agency("court-2", other_secret, [ENDPOINT])
    other = door.stage.gateway("court-2", other_secret)
    view = await door.gateway.read(f"/exchanges/{exchange_id}")
    assert (view.json()["state"], view.headers["etag"], view.json()["expects"]) == ("offered", '"r1"', ["recall", "supplement"])
    packet_id = document["data"]["packet_id"]
    for path in (
        f"/exchanges/{exchange_id}",
        f"/exchanges/{exchange_id}/packets",
        f"/packets/{packet_id}",
        f"/exchanges/{new_id()}",
        "/packets/x",
    ):
        answer = await other.read(path)
        assert (answer.status_code, answer.json()["reason"]) == (404, "NOT_FOUND")
    bare = await door.stage.client.get(f"{door.stage.base}/docking/v1/exchanges")
    assert (bare.status_code, bare.json()["reason"]) == (401, "TOKEN_INVALID")
    door.stage.cell.step_clock(11 * 60)
    renewed = await door.gateway.read(f"/exchanges/{exchange_id}")
    assert renewed.status_code == 200


async def test_a_packet_is_read_as_it_was_signed(door: Door) -> None:
    document = offer()
    await door.post(document)
    answer = await door.gateway.read(f"/packets/{document['data']['packet_id']}")
    assert answer.content == body(document)
    assert answer.headers["webhook-id"] == document["data"]["packet_id"]
    assert answer.headers["webhook-signature"].startswith("v1,")


async def test_pages_hold_each_exchange_once_whatever_is_added_meanwhile(door: Door) -> None:
    for n in range(12):
        await door.post(offer(n + 1))
    before = {e["exchange_id"] for e in (await door.gateway.read("/exchanges", limit=200)).json()["exchanges"]}
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await door.gateway.read("/exchanges", limit=5, cursor=cursor)).json()
        seen += [e["exchange_id"] for e in page["exchanges"]]
        cursor = page["cursor"]
        if not cursor:
            break
        await door.post(offer(100 + len(seen)))
    assert before <= set(seen)
    assert len(seen) == len(set(seen))
    forged = await door.gateway.read("/exchanges", cursor="AAAA" + "A" * 20)
    assert forged.json()["reason"] == "FIELD_INVALID"


async def test_secrets_overlap_and_an_ended_one_is_told_apart(door: Door) -> None:
    newer = new_secret()
    added = await door.gateway.change("POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "secret": newer})
    assert added.status_code == 201
    for secret in (door.secret, newer):
        assert (
            await door.stage.gateway("court-1", secret).change("POST", "/tokens", {"type": "cn.tiaochu.docking.token.v1"})
        ).status_code == 201
    me = (await door.gateway.read("/me")).json()
    first = me["credentials"][0]["credential_id"]
    ended = await door.stage.gateway("court-1", newer).change(
        "POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "retire": first, "at_once": True}
    )
    assert ended.status_code == 201
    refused = await door.gateway.change("POST", "/tokens", {"type": "cn.tiaochu.docking.token.v1"})
    assert (refused.status_code, refused.json()["reason"]) == (401, "CREDENTIAL_EXPIRED")


async def test_a_retired_secret_is_good_for_a_week(door: Door) -> None:
    me = (await door.gateway.read("/me")).json()
    newer = new_secret()
    await door.gateway.change("POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "secret": newer})
    await door.gateway.change(
        "POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "retire": me["credentials"][0]["credential_id"]}
    )
    token = {"type": "cn.tiaochu.docking.token.v1"}
    door.stage.cell.step_clock(6.9 * 86400)
    assert (await door.gateway.change("POST", "/tokens", token)).status_code == 201
    door.stage.cell.step_clock(0.2 * 86400)
    assert (await door.gateway.change("POST", "/tokens", token)).json()["reason"] == "CREDENTIAL_EXPIRED"


async def test_a_signed_change_is_bound_to_its_purpose(door: Door) -> None:
    answer = await door.gateway.change("POST", "/me/credentials", {"type": "cn.tiaochu.docking.token.v1"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "MALFORMED")


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "https://court.example/hook", "file:///etc/passwd", "http://127.0.0.1@evil.example/"]
)
async def test_addresses_off_the_list_are_refused(door: Door, url: str) -> None:
    document = {"type": "cn.tiaochu.docking.endpoint.v1", "endpoint_id": "main", "channel": "push", "url": url}
    answer = await door.gateway.change("PUT", "/me/endpoints/main", document)
    assert (answer.status_code, answer.json()["reason"]) == (422, "FIELD_INVALID")


async def test_files_keep_their_names_and_are_what_they_say(door: Door) -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * 4000
    answer = await door.gateway.upload("起诉状䶮𠅤.pdf", content)
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    assert (stored["name"], stored["size"], stored["media_type"]) == ("起诉状䶮𠅤.pdf", len(content), "application/pdf")
    back = await door.gateway.read(f"/files/{stored['file_id']}")
    assert back.content == content
    assert "%E8%B5%B7" in back.headers["content-disposition"]
    document = offer()
    document["data"]["content"]["plaint"] = stored["file_id"]
    document["data"]["files"] = [{"file_id": stored["file_id"], "sha256": stored["sha256"], "kind": "plaint"}]
    assert (await door.post(document)).status_code == 201


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("a.pdf", b"MZ\x90", 415, "MEDIA_TYPE"),
        ("a.exe", b"MZ\x90", 415, "MEDIA_TYPE"),
        ("../../etc/passwd.pdf", b"%PDF-1.7", 422, "FIELD_INVALID"),
        ("长" * 86 + ".pdf", b"%PDF-1.7", 422, "FIELD_INVALID"),
    ],
)
async def test_files_that_are_not_taken(door: Door, name: str, content: bytes, status: int, reason: str) -> None:
    answer = await door.gateway.upload(name, content)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert await door.stage.rows("SELECT count(*) FROM files") == [(0,)]


async def test_a_reference_to_a_file_that_is_another_or_was_never_sent(door: Door) -> None:
    stored = (await door.gateway.upload("a.pdf", b"%PDF-1.7 x")).json()
    document = offer()
    document["data"]["files"] = [{"file_id": stored["file_id"], "sha256": "0" * 64, "kind": "plaint"}]
    assert (await door.post(document)).json()["reason"] == "FILE_HASH"
    document = offer(2)
    document["data"]["content"]["plaint"] = new_id()
    assert (await door.post(document)).json()["reason"] == "FIELD_INVALID"


async def test_a_docking_that_is_not_open(door: Door) -> None:
    document = offer()
    document["data"]["docking"] = "police"
    document["type"] = "cn.tiaochu.docking.police.offer.v1"
    answer = await door.post(document)
    assert (answer.status_code, answer.json()["reason"]) == (403, "DOCKING_CLOSED")


async def test_offers_of_ours_cannot_be_made_by_an_agency(door: Door) -> None:
    document = offer(mode="confirm")
    assert (await door.post(document)).json()["reason"] == "KIND_NOT_ALLOWED"


async def test_a_refusal_repeats_our_ids_and_nothing_else_of_the_path(door: Door) -> None:
    typed = "欧阳建国"
    for path in (f"/exchanges/{typed}", f"/{typed}", f"/files/{typed}"):
        answer = await door.gateway.read(path)
        assert (answer.status_code, answer.json()["reason"]) == (404, "NOT_FOUND")
        assert typed not in answer.text
    unknown = new_id()
    assert (await door.gateway.read(f"/exchanges/{unknown}")).json()["instance"] == f"/docking/v1/exchanges/{unknown}"
