"""Chinese names of what codes and ids stand for."""

from collections.abc import Iterable
from functools import cached_property

from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu_cli.wire import Wire
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.deadlines import defaults
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.stages import NAMES, Stage

MISSING = "—"
_PAGE = 1000
_PERSONS = 200


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
    """Names of organs and persons, asked for once. Where they cannot be had an id stands for itself: names are a service, not a condition."""

    def __init__(self, wire: Wire, district: str = "") -> None:
        self._wire, self._district = wire, district
        self._persons: dict[str, str] = {}

    def organ(self, organ_id: str) -> str:
        """Short name of an organ."""
        return self._organs.get(organ_id, organ_id) or MISSING

    def person(self, person_id: str) -> str:
        """Name of a person; a service says its own name."""
        return self._persons.get(person_id, person_id) or MISSING

    def learn(self, person_ids: Iterable[str]) -> None:
        """Ask for the names of these persons."""
        wanted = sorted({p for p in person_ids if len(p) == 36} - self._persons.keys())
        for start in range(0, len(wanted), _PERSONS):
            try:
                answer = self._wire.call(directory.GetStaffNamesRequest(person_ids=wanted[start : start + _PERSONS]))
            except DomainError:
                return
            self._persons.update(answer.names)

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
