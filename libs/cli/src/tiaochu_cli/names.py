"""Chinese names of what codes and ids stand for."""

from collections.abc import Callable, Iterable
from functools import cached_property

from google.protobuf.message import Message

from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu_cli.wire import Wire
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.deadlines import defaults
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.stages import NAMES, Stage

MISSING = "—"
_PAGE = 1000
_AT_ONCE = 200


def zh(list_name: str, code: str) -> str:
    """The name of a code; the code itself where the list does not hold it, a dash for none."""
    return code_list(list_name).zh(code) if code else MISSING


def category_zh(code: str) -> str:
    """The name of a category with its code."""
    leaf = categories().get(code)
    return f"{leaf.zh} {code}" if leaf else code or MISSING


def stage_zh(number: int) -> str:
    """`已登记 20`."""
    try:
        return f"{NAMES[Stage(number)]} {number}"
    except ValueError:
        return str(number) if number else MISSING


def clock_zh(rule_code: str) -> str:
    """The name of a deadline rule."""
    versions = defaults().rules.get(rule_code)
    return versions.entries[-1].value.zh if versions and versions.entries else rule_code


class Names:
    """Names of organs, persons and agencies, asked for once. Where they cannot be had an id stands for itself: names are a service, not a condition."""

    def __init__(self, wire: Wire, district: str = "") -> None:
        self._wire, self._district = wire, district
        self._known: dict[str, str] = {}

    def organ(self, organ_id: str) -> str:
        """Short name of an organ."""
        return self._organs.get(organ_id, organ_id) or MISSING

    def person(self, person_id: str) -> str:
        """Name of a person; a service says its own name."""
        return self._known.get(person_id, person_id) or MISSING

    def agency(self, agency_id: str) -> str:
        """Name of an agency."""
        return self._known.get(agency_id, agency_id) or MISSING

    def learn(self, person_ids: Iterable[str], agency_ids: Iterable[str] = ()) -> None:
        """Ask for the names of these persons and agencies."""
        self._ask(person_ids, lambda ids: directory.GetStaffNamesRequest(person_ids=ids))
        self._ask(agency_ids, lambda ids: docking.GetAgencyNamesRequest(agency_ids=ids))

    def _ask(self, ids: Iterable[str], request: Callable[[list[str]], Message]) -> None:
        wanted = sorted({i for i in ids if len(i) == 36} - self._known.keys())
        for start in range(0, len(wanted), _AT_ONCE):
            try:
                answer = self._wire.call(request(wanted[start : start + _AT_ONCE]))
            except DomainError:
                return
            self._known.update(answer.names)

    @cached_property
    def _organs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        request = directory.ListOrgansRequest(district=self._district, page_size=_PAGE)
        try:
            while True:
                answer = self._wire.call(request)
                found.update({o.organ_id: o.short_name or o.name for o in answer.organs})
                if not answer.next_page_token:
                    return found
                request.page_token = answer.next_page_token
        except DomainError:
            return found
