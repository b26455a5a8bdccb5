"""Every RPC of every service, asked by every role: only what the proto option allows gets past the door, and nobody reaches another district."""

import asyncio
import importlib
from collections.abc import Iterator

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor

from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell, Running

SERVICES = {
    "intake": "tiaochu_intake",
    "routing": "tiaochu_routing",
    "mediation": "tiaochu_mediation",
    "docking": "tiaochu_docking",
    "reporting": "tiaochu_reporting",
}
CITY, NEIGHBOUR = "329901", "329902"


def rpcs(running: Running) -> Iterator[MethodDescriptor]:
    """The unary RPCs the service answers."""
    for name in running.service.app.rpcs:
        for method in descriptor_pool.Default().FindServiceByName(name).methods:
            if not method.client_streaming and not method.server_streaming:
                yield method


def access_of(method: MethodDescriptor) -> options_pb2.Access:
    return method.GetOptions().Extensions[options_pb2.access]


def clerk(role: str, district: str = CITY) -> Principal:
    organ = f"00000000-0000-7000-8000-0000{district}00"
    return Principal(f"person-{role}-{district}", frozenset({role}), organ, f"/{organ}/", frozenset({district}))


async def answer(running: Running, method: MethodDescriptor, by: Principal | str) -> str:
    """The reason of the refusal of an empty request, or OK."""
    request = message_factory.GetMessageClass(method.input_type)()
    try:
        await running.call(f"{method.containing_service.full_name}/{method.name}", request, by=by)
    except DomainError as error:
        return error.reason
    return "OK"


@pytest.mark.req("PF5")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_gets_past_the_door_only_where_the_option_names_it(cell: Cell, service: str) -> None:
    build = importlib.import_module(f"{SERVICES[service]}.app").build
    for name in SERVICES:
        cell.port(name)
    async with cell.running(service, SERVICES[service], build, work=False) as running:
        methods = list(rpcs(running))
        roles = sorted({r for m in methods for r in access_of(m).roles if ":" not in r and r != "*"} | {"nobody_special"})
        assert methods
        wrong = []
        for method in methods:
            access = access_of(method)
            answers = await asyncio.gather(*(answer(running, method, clerk(role)) for role in roles))
            for role, reason in zip(roles, answers, strict=True):
                allowed = access.scope == options_pb2.SCOPE_PUBLIC_CODE or "*" in access.roles or role in access.roles
                if (reason != "ROLE_MISSING") != allowed:
                    wrong.append(f"{method.full_name} by {role}: should be {'let in' if allowed else 'kept out'}")
        assert not wrong


@pytest.mark.req("PF5")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_let_in_only_where_the_option_names_it(cell: Cell, service: str) -> None:
    build = importlib.import_module(f"{SERVICES[service]}.app").build
    for name in SERVICES:
        cell.port(name)
    async with cell.running(service, SERVICES[service], build, work=False) as running:
        for method in rpcs(running):
            access = access_of(method)
            allowed = access.scope == options_pb2.SCOPE_PUBLIC_CODE or bool({"service:*", "service:reporting"} & set(access.roles))
            assert (await answer(running, method, "service:reporting") != "ROLE_MISSING") == allowed, method.full_name


@pytest.mark.req("PF5")
@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_post_a_signed_in_person_reaches_nothing(cell: Cell, service: str) -> None:
    build = importlib.import_module(f"{SERVICES[service]}.app").build
    for name in SERVICES:
        cell.port(name)
    async with cell.running(service, SERVICES[service], build, work=False) as running:
        for method in rpcs(running):
            if access_of(method).scope != options_pb2.SCOPE_PUBLIC_CODE:
                assert await answer(running, method, Principal("person-without-post")) == "ROLE_MISSING", method.full_name
