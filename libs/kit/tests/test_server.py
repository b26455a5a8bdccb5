"""Every call the same way: who, may they, is it valid, how long, and one clear status for whatever is wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_embedded.postgres import Postgres
from tiaochu_kit import auth
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import (
    AddToThingRequest,
    CountThingsRequest,
    GetThingRequest,
    ListThingsRequest,
    OpenThingRequest,
    ThingResponse,
)

THINGS = "tiaochu.alpha.v1.ThingService"
CLERK = Principal("clerk-1", frozenset({"clerk"}), "organ-1", "/city/town/", frozenset({"329901"}))
OPEN = OpenThingRequest(district="329901")


@pytest.fixture
async def a(cell: Cell) -> AsyncIterator[Running]:
    async with cell.running("alpha", "toy", alpha.build, work=False) as running:
        yield running


async def raw(a: Running, rpc: str, request: Any, timeout: float | None = 10, **metadata: Any) -> object:
    unary: Any = a.channel.unary_unary(
        f"/{THINGS}/{rpc}",
        request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
        response_deserializer=ThingResponse.FromString,
    )
    headers = [("tiaochu-request-id", new_id()), *((k.replace("_", "-"), v) for k, v in metadata.items())]
    try:
        return await unary(request, timeout=timeout, metadata=headers)
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error


def paths(error: DomainError) -> list[tuple[str, str]]:
    return [(v.path, v.reason) for v in error.violations]


async def test_a_call_without_a_deadline_is_refused(a: Running) -> None:
    with pytest.raises(DomainError) as refusal:
        await raw(a, "OpenThing", OPEN, timeout=None, tiaochu_service="test")
    assert paths(refusal.value) == [("deadline", "DEADLINE_REQUIRED")]


@pytest.mark.parametrize("text", ["纠纷".encode("gb18030"), b"\xed\xa0\x80", b"\xff"])
async def test_text_that_is_not_utf_8_is_refused_with_a_reason(a: Running, text: bytes) -> None:
    field = OPEN.DESCRIPTOR.fields_by_name["external"].number << 3 | 2

    content = OPEN.SerializeToString() + bytes((field, len(text))) + text
    with pytest.raises(DomainError) as refusal:
        await raw(a, "OpenThing", content, tiaochu_service="test")
    assert (refusal.value.kind, refusal.value.reason) == (Kind.INVALID_INPUT, "REQUEST_UNREADABLE")
    assert refusal.value.zh


@pytest.mark.parametrize("request_id", ["", "1", "01A20C85-596D-708D-8BA5-6AFBE1BAA675", "01a20c85596d708d8ba56afbe1baa675"])
async def test_a_mutation_needs_a_request_id_that_is_a_uuid(a: Running, request_id: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await a.call(f"{THINGS}/OpenThing", OPEN, request_id=request_id or " ")
    assert paths(refusal.value) == [("request_id", "REQUIRED_UUID")]


async def test_the_request_id_may_stand_in_the_message(a: Running) -> None:
    method: Any = a.channel.unary_unary(
        f"/{THINGS}/OpenThing", request_serializer=lambda m: m.SerializeToString(), response_deserializer=ThingResponse.FromString
    )
    request = OpenThingRequest(request_id=new_id(), district="329901")
    first, again = [await method(request, timeout=5, metadata=[("tiaochu-service", "test")]) for _ in range(2)]
    assert first == again


async def test_a_broken_rule_names_field_and_rule(a: Running) -> None:
    with pytest.raises(DomainError) as refusal:
        await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=new_id(), amount=1_000_001))
    assert paths(refusal.value) == [("amount", "INT64_LTE")]


@pytest.mark.parametrize(
    "case_id", ["", "1", "../../etc", "01A20CBC-113E-74F2-88A8-0C1DC4BE0DAE", "01a20cbc-113e-7898-a24b-b9cb4062ef25", "你好", "a\x00b"]
)
async def test_an_unknown_or_malformed_id_is_refused_and_stores_nothing(a: Running, case_id: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))
    assert refusal.value.kind in (Kind.NOT_FOUND, Kind.INVALID_INPUT)
    async with a.kit.database.transaction() as tx:
        assert await tx.rows("SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM request_keys)") == [(0, 0)]


async def test_a_message_over_the_limit_is_refused(a: Running) -> None:
    with pytest.raises(DomainError) as refusal:
        await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=new_id(), amount=1, note="x" * 5 * 1024 * 1024))
    assert refusal.value.kind is Kind.RESOURCE_EXHAUSTED


async def test_a_failure_of_ours_says_nothing_of_what_was_sent(a: Running, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    def fails(*_: object) -> object:
        raise ValueError("13800138000")

    monkeypatch.setattr(alpha.Thing, "opened", fails)
    method: Any = a.channel.unary_unary(
        f"/{THINGS}/OpenThing", request_serializer=lambda m: m.SerializeToString(), response_deserializer=ThingResponse.FromString
    )
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await method(OPEN, timeout=5, metadata=[("tiaochu-service", "test"), ("tiaochu-request-id", new_id())])
    assert failure.value.code() is grpc.StatusCode.INTERNAL
    assert "138" not in str(failure.value.debug_error_string()) + str(failure.value.details()) + capsys.readouterr().out  # type: ignore[attr-defined]


# Streams


async def test_a_stream_in_is_answered_once_and_a_refusal_ends_it(a: Running) -> None:
    pour: Any = a.channel.stream_unary(
        f"/{THINGS}/PourThings", request_serializer=lambda m: m.SerializeToString(), response_deserializer=ThingResponse.FromString
    )
    by = [("tiaochu-service", "test")]
    amounts = [AddToThingRequest(amount=n) for n in (1, 2, 3)]
    assert (await pour(iter(amounts), timeout=5, metadata=by)).total == 6
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await pour(iter([*amounts, AddToThingRequest(amount=-1)]), timeout=5, metadata=by)
    assert from_rpc(refusal.value).reason == "AMOUNT_NOT_POSITIVE"


async def test_a_stream_out_brings_what_there_is_before_its_refusal_and_is_guarded_as_any_call(a: Running) -> None:
    count: Any = a.channel.unary_stream(
        f"/{THINGS}/CountThings", request_serializer=lambda m: m.SerializeToString(), response_deserializer=ThingResponse.FromString
    )
    by = [("tiaochu-service", "test")]
    assert [r.total async for r in count(CountThingsRequest(up_to=3), timeout=5, metadata=by)] == [1, 2, 3]
    counting = count(CountThingsRequest(up_to=20), timeout=5, metadata=by)
    assert [(await counting.read()).total for _ in range(12)] == list(range(1, 13))
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await counting.read()
    assert from_rpc(refusal.value).reason == "NO_THIRTEEN"
    for request, metadata, kind in (
        (CountThingsRequest(up_to=0), by, Kind.INVALID_INPUT),
        (CountThingsRequest(up_to=1), [], Kind.UNAUTHENTICATED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await count(request, timeout=5, metadata=metadata).read()
        assert from_rpc(refusal.value).kind is kind


# Who calls


async def test_nobody_and_nonsense_are_refused(a: Running) -> None:
    for header in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic abc"}):
        with pytest.raises(DomainError) as refusal:
            await raw(a, "OpenThing", OPEN, timeout=5, **header)
        assert refusal.value.kind is Kind.UNAUTHENTICATED


async def test_a_token_expired_for_others_or_by_another_key_is_refused(cell: Cell, a: Running) -> None:
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": cell.issuer.url, "aud": "tiaochu", "sub": CLERK.id, "exp": now + 3600}
    tokens = {
        "expired": cell.issuer.token(CLERK.id, hours=-1),
        "for others": cell.issuer.token(CLERK.id, audience="someone-else"),
        "another key": jwt.encode({"alg": "ES256", "kid": stranger.kid}, claims, stranger),
        "another key, stolen name": jwt.encode({"alg": "ES256", "kid": cell.issuer._key.kid}, claims, stranger),
        "another issuer": jwt.encode({"alg": "ES256", "kid": cell.issuer._key.kid}, {**claims, "iss": "https://x"}, cell.issuer._key),
        "no end": jwt.encode(
            {"alg": "ES256", "kid": cell.issuer._key.kid}, {k: v for k, v in claims.items() if k != "exp"}, cell.issuer._key
        ),
    }
    await a.give_posts(CLERK)
    for token in tokens.values():
        with pytest.raises(DomainError) as refusal:
            await raw(a, "OpenThing", OPEN, authorization=f"Bearer {token}", tiaochu_organ="organ-1")
        assert refusal.value.kind is Kind.UNAUTHENTICATED
    good = cell.issuer.token(CLERK.id)
    assert await raw(a, "OpenThing", OPEN, authorization=f"Bearer {good}", tiaochu_organ="organ-1")


async def test_a_token_ends_while_it_is_remembered(cell: Cell, a: Running) -> None:
    token = cell.issuer.token(CLERK.id, hours=1)
    assert await a.kit.tokens.subject(token, a.kit.clock.now()) == CLERK.id
    with pytest.raises(DomainError):
        await a.kit.tokens.subject(token, a.kit.clock.now() + timedelta(hours=2))


async def test_new_keys_of_the_issuer_are_fetched_and_old_ones_end(cell: Cell, a: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    now = a.kit.clock.now()
    old = cell.issuer.token(CLERK.id)
    assert await a.kit.tokens.subject(old, now) == CLERK.id
    monkeypatch.setattr(cell.issuer, "_key", ECKey.generate_key("P-256", auto_kid=True))
    assert await a.kit.tokens.subject(cell.issuer.token("clerk-2"), now) == "clerk-2"
    monkeypatch.setattr(auth, "REFRESH_SECONDS", 0.0)
    with pytest.raises(DomainError):
        await a.kit.tokens.subject(old, now)


async def test_forged_tokens_do_not_make_us_hammer_the_issuer(cell: Cell, a: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    document = cell.issuer.document

    def counted(path: str) -> object:
        asked.append(path)
        return document(path)

    monkeypatch.setattr(cell.issuer, "document", counted)
    for _ in range(20):
        stranger = ECKey.generate_key("P-256", auto_kid=True)
        token = jwt.encode({"alg": "ES256", "kid": stranger.kid}, {"sub": "x", "exp": 9e9}, stranger)
        with pytest.raises(DomainError):
            await a.kit.tokens.subject(token, a.kit.clock.now())
    assert len(asked) <= 2


async def test_a_person_acts_in_the_post_named_and_a_post_vacated_opens_nothing(a: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "POSTS_SECONDS", 0.0)
    await a.call(f"{THINGS}/OpenThing", OPEN, by=CLERK)
    with pytest.raises(DomainError) as elsewhere:
        await raw(a, "OpenThing", OPEN, authorization=f"Bearer {a.issuer.token(CLERK.id)}", tiaochu_organ="organ-2")
    assert elsewhere.value.reason == "ROLE_MISSING"
    async with a.kit.database.transaction() as tx:
        await tx.queue("UPDATE posts SET valid_to = %s", (a.kit.clock.now().date(),))
    with pytest.raises(DomainError) as vacated:
        await raw(a, "OpenThing", OPEN, authorization=f"Bearer {a.issuer.token(CLERK.id)}", tiaochu_organ="organ-1")
    assert vacated.value.reason == "ROLE_MISSING"


async def test_a_role_that_is_not_named_may_not(a: Running) -> None:
    with pytest.raises(DomainError) as refusal:
        await a.call(f"{THINGS}/OpenThing", OPEN, by=replace(CLERK, id="m-1", roles=frozenset({"mediator"})))
    assert (refusal.value.kind, refusal.value.reason) == (Kind.PERMISSION_DENIED, "ROLE_MISSING")


async def test_a_district_with_too_many_calls_is_told_when_to_come_back(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False, admission_slots=1, admission_queue=0) as a:
        async with a.service._server._admission.slot("329902"):
            with pytest.raises(DomainError) as refusal:
                await a.call(f"{THINGS}/OpenThing", OPEN, by=CLERK)
            assert await a.call(f"{THINGS}/OpenThing", OPEN)
        assert (refusal.value.kind, refusal.value.reason) == (Kind.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS")
        assert int(refusal.value.metadata["retry_after_ms"]) >= 200
        assert await a.call(f"{THINGS}/OpenThing", OPEN, by=CLERK)


# Pages


async def test_pages_bring_every_row_once_and_a_token_continues_its_own_question_only(a: Running) -> None:
    opened = {(await a.call(f"{THINGS}/OpenThing", OPEN)).case_id for _ in range(7)}
    seen: list[str] = []
    request = ListThingsRequest(page_size=3)
    while True:
        page = await a.call(f"{THINGS}/ListThings", request)
        seen += [t.case_id for t in page.things]
        token = page.next_page_token
        if not token:
            break
        request = ListThingsRequest(page_size=3, page_token=token)
        last = token
    assert (len(seen), set(seen)) == (7, opened)
    other_question = ListThingsRequest(page_size=3, page_token=last, at_least=1)
    forged = ListThingsRequest(page_token=last[:-4] + ("AAAA" if not last.endswith("AAAA") else "BBBB"))
    for wrong in (other_question, forged, ListThingsRequest(page_token="%%%"), ListThingsRequest(page_token="é")):
        with pytest.raises(DomainError) as refusal:
            await a.call(f"{THINGS}/ListThings", wrong)
        assert paths(refusal.value)[0][0] == "page_token"
    with pytest.raises(DomainError) as negative:
        await a.call(f"{THINGS}/ListThings", ListThingsRequest(page_size=-1))
    assert paths(negative.value) == [("page_size", "NEGATIVE")]


async def test_connections_that_were_cut_are_not_noticed_by_callers(postgres_server: Postgres, a: Running) -> None:
    opened = await asyncio.gather(*(a.call(f"{THINGS}/OpenThing", OPEN) for _ in range(10)))
    case_id = opened[0].case_id
    await asyncio.gather(*(a.call(f"{THINGS}/GetThing", GetThingRequest(case_id=case_id)) for _ in range(10)))
    with psycopg.connect(postgres_server.admin_dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'alpha' AND pid <> pg_backend_pid()")
    assert (await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))).total == 1
    assert (await a.call(f"{THINGS}/GetThing", GetThingRequest(case_id=case_id))).total == 1
