"""Every RPC answers every message: valid, at an edge, or no message at all. Never `INTERNAL` or `UNKNOWN`, and a refusal leaves nothing behind."""

from collections import Counter

import protovalidate
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from security.house import House, every_rpc
from security.line import BROKEN, Answer, Line
from security.messages import Forge
from tiaochu_demo.driver import Actor

RPCS = {f"{program}/{method.containing_service.name}.{method.name}": (program, method) for program, method in every_rpc()}
VALID_SHARE = 0.8
_validator = protovalidate.Validator()


class Caller:
    """Calls one RPC as any of those who may."""

    def __init__(self, house: House, line: Line, service_line: Line, rpc: str) -> None:
        self.program, self.method = RPCS[rpc]
        self._house = house
        self.actors: list[Actor | None] = [*house.actors(self.method)] or [None]
        self._line = line if self.actors != [None] else service_line
        self.answers: Counter[str] = Counter()

    def call(self, actor: Actor | None, *bodies: bytes) -> Answer:
        answer = self._line.call(self.program, self.method, *bodies, metadata=self._house.identity(actor))
        self.answers[answer.reason] += 1
        assert answer.code not in BROKEN, answer
        return answer


@pytest.fixture
def caller(house: House, line: Line, service_line: Line, rpc: str) -> Caller:
    """Whoever may call the RPC."""
    return Caller(house, line, service_line, rpc)


@pytest.mark.req("PF5")
@pytest.mark.parametrize("rpc", RPCS)
def test_bytes_that_are_no_message_are_refused(caller: Caller, forge: Forge) -> None:
    @given(forge.broken(caller.method.input_type), st.sampled_from(caller.actors))
    def attempt(body: bytes, actor: Actor | None) -> None:
        caller.call(actor, body)

    attempt()


@pytest.mark.req("PF5")
@pytest.mark.parametrize("rpc", RPCS)
def test_what_lies_at_an_edge_is_answered(caller: Caller, forge: Forge) -> None:
    @given(forge.edged(caller.method.input_type), st.sampled_from(caller.actors))
    def attempt(message: Message, actor: Actor | None) -> None:
        caller.call(actor, message.SerializeToString())

    attempt()


@pytest.mark.req("PF5")
@pytest.mark.parametrize("rpc", RPCS)
def test_what_keeps_the_rules_is_answered(caller: Caller, forge: Forge) -> None:
    kept: list[bool] = []

    @given(forge.valid(caller.method.input_type), st.sampled_from(caller.actors))
    def attempt(message: Message, actor: Actor | None) -> None:
        kept.append(not _validator.collect_violations(message))
        caller.call(actor, message.SerializeToString())

    attempt()
    assert sum(kept) >= VALID_SHARE * len(kept)
