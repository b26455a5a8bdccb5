"""Who wastes what is shared slows nobody else: idle connections, slow bodies, huge headers, deep documents, the largest messages all at once."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx2
import pytest
from hypothesis import settings

from security.house import House
from security.line import BROKEN, Line
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu_cli.rpcs import method_of

MOST_MEMORY = 700 * 1024 * 1024
"""What one service may hold, whatever comes."""
MEGABYTE = 1024 * 1024
HEAD = b"POST /docking/v1/notices HTTP/1.1\r\nHost: x\r\n"


def memory(house: House, service: str) -> int:
    """Resident bytes of a service."""
    pages = int(Path(f"/proc/{house.stack.servers[service].pid}/statm").read_text().split()[1])
    return pages * 4096


def gateway(house: House) -> tuple[str, int]:
    host, port = house.stack.addresses["http"]["docking"].removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def answers(house: House) -> float:
    """Seconds the gateway takes to tell the time."""
    started = time.monotonic()
    with httpx2.Client(timeout=20, trust_env=False) as client:
        assert client.get(f"{house.stack.addresses['http']['docking']}/docking/v1/time").status_code == 200
    return time.monotonic() - started


@contextmanager
def connected(house: House, number: int, said: bytes) -> Iterator[list[socket.socket]]:
    """That many connections that say so much and no more."""
    held: list[socket.socket] = []
    try:
        for _ in range(number):
            one = socket.create_connection(gateway(house), timeout=20)
            if said:
                one.sendall(said)
            held.append(one)
        yield held
    finally:
        for one in held:
            one.close()


@pytest.mark.req("PF5")
@pytest.mark.parametrize("said", [b"", HEAD + b"X-", HEAD + b"Content-Length: 9\r\n\r\n{"])
def test_connections_that_stand_still_leave_the_gateway_to_others(house: House, said: bytes) -> None:
    number = 10_000 if settings.get_current_profile_name() == "deep" else 500
    with connected(house, number, said):
        assert answers(house) < 10
        assert memory(house, "docking") < MOST_MEMORY
    assert answers(house) < 10


@pytest.mark.req("PF5")
def test_huge_headers_are_refused(house: House) -> None:
    with httpx2.Client(timeout=20, trust_env=False) as client:
        base = f"{house.stack.addresses['http']['docking']}/docking/v1/time"
        try:
            answer = client.get(base, headers={"x-much": "a" * MEGABYTE})
        except httpx2.HTTPError:
            answer = None
        assert answer is None or 400 <= answer.status_code < 500
    assert answers(house) < 10


@pytest.mark.req("PF5")
def test_a_head_without_end_is_cut_off(house: House) -> None:
    sent = 0
    with connected(house, 1, HEAD + b"X-Much: ") as (one,):
        try:
            while sent < 20 * MEGABYTE:
                sent += one.send(b"a" * 65536)
        except ConnectionError:
            pass
    assert sent < 20 * MEGABYTE
    assert memory(house, "docking") < MOST_MEMORY


@pytest.mark.req("PF5")
def test_the_largest_messages_all_at_once_are_answered_and_forgotten(house: House, line: Line) -> None:
    method = method_of(queries.SuggestCategoryRequest)
    body = queries.SuggestCategoryRequest(text="长" * (MEGABYTE + 300_000)).SerializeToString()
    identity = house.identity(house.cast.role("dispatcher"))
    codes: list[grpc.StatusCode] = []

    def send() -> None:
        codes.extend(line.call("intake", method, body, metadata=identity).code for _ in range(10))

    senders = [threading.Thread(target=send) for _ in range(10)]
    for sender in senders:
        sender.start()
    small = queries.SuggestCategoryRequest(text="邻居漏水").SerializeToString()
    others = [line.call("intake", method, small, metadata=identity) for _ in range(5)]
    for sender in senders:
        sender.join()
    assert len(codes) == 100
    assert not BROKEN & set(codes)
    assert all(answer.ok for answer in others)
    assert memory(house, "intake") < MOST_MEMORY
