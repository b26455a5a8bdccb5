"""What a district needs before the first case: its directory, routing rules, keywords and the calendar of the years ahead."""

from collections.abc import Iterator
from datetime import date

from google.protobuf.message import Message

from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.intake.v1 import keyword_service_pb2 as keywords
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules
from tiaochu_demo.directory import Directory, load_keywords, load_routing_rules
from tiaochu_demo.driver import Actor, Cast, Refused, Wire
from tiaochu_demo.driver.matter import until
from tiaochu_domainkit.calendar import Calendar, YearCalendar, published
from tiaochu_domainkit.errors import Kind
from tiaochu_embedded.layout import FIRST_ADMIN
from tiaochu_kit.ids import new_id

OPERATOR = Actor(FIRST_ADMIN, "", "operator")
FOUNDED_ON = "2020-01-01"
_AT_ONCE = 400
_FIXED_HOLIDAYS = (((1, 1), "元旦"), ((5, 1), "劳动节"), ((5, 2), "劳动节"), ((10, 1), "国庆节"), ((10, 2), "国庆节"), ((10, 3), "国庆节"))


async def import_directory(wire: Wire, directory: Directory) -> pb.ImportDirectoryResponse:
    """Regions, organs, staff, posts and mediators of a district; the same again changes nothing."""
    answer: pb.ImportDirectoryResponse = await wire.ask(OPERATOR, directory_request(directory))
    return answer


async def import_rules(wire: Wire, directory: Directory) -> rules.ImportRoutingRulesResponse:
    """The routing rules of a district."""
    request = rules.ImportRoutingRulesRequest(district=directory.district, rules=list(_rules()))
    answer: rules.ImportRoutingRulesResponse = await wire.ask(OPERATOR, request)
    return answer


async def import_keywords(wire: Wire, cast: Cast) -> None:
    """The words by which a text suggests a category."""
    actor = cast.role("office_director")
    table = [keywords.Keyword(word=k.word, category=k.category, weight=k.weight) for k in load_keywords()]
    for start in range(0, len(table), _AT_ONCE):
        try:
            await wire.ask(actor, keywords.ChangeKeywordsRequest(district=cast.directory.district, put=table[start : start + _AT_ONCE]))
        except Refused as refused:
            if refused.reason != "NOTHING_CHANGED":
                raise


async def load_calendar(wire: Wire, cast: Cast, until_day: date) -> Calendar:
    """Load a sample notice for every year up to `until_day` that nobody has published yet; answers the whole calendar.

    The sample knows the days of rest that fall on a fixed date and no make-up days: a clock of the demonstration must not stay provisional.
    """
    calendar = published()
    for year in range(max(calendar.years) + 1, until_day.year + 1):
        sample = sample_year(year)
        calendar = calendar.with_year(sample)
        request = clocks.LoadCalendarYearRequest(
            district=cast.directory.district,
            year=year,
            rest_days=[clocks.RestDay(on=day.isoformat(), zh=f"{name}(示例)") for day, name in sorted(sample.rest_days.items())],
        )
        await wire.ask(cast.role("office_director"), request)
    return calendar


def sample_year(year: int) -> YearCalendar:
    """The holidays of fixed date that fall on weekdays."""
    days = {date(year, month, day): name for (month, day), name in _FIXED_HOLIDAYS}
    return YearCalendar(year, {day: name for day, name in days.items() if day.weekday() < 5})


async def known_everywhere(wire: Wire, cast: Cast) -> None:
    """Wait until every service has read the directory up to its last post."""
    person = cast.directory.staff[-1]
    actor = Actor(person.id, person.posts[-1].organ_id, person.name)
    nothing = new_id()
    questions = (
        keywords.ListKeywordsRequest(category="99"),
        pb.ListOrgansRequest(page_size=1),
        mediation.GetMediationRequest(case_id=nothing),
        *((docking.ListAllowedActionsRequest(exchange_id=nothing),) if "docking" in wire.stack.addresses["grpc"] else ()),
        reporting.ListMonthLocksRequest(),
    )

    async def strangers() -> list[str]:
        return [type(q).__name__ for q in questions if not await _knows(wire, actor, q)]

    await until(strangers, lambda found: not found, f"the directory of {cast.directory.district} in every service")


async def _knows(wire: Wire, actor: Actor, question: Message) -> bool:
    try:
        await wire.ask(actor, question)
    except Refused as refused:
        return refused.error.kind is not Kind.PERMISSION_DENIED
    return True


def directory_request(directory: Directory) -> pb.ImportDirectoryRequest:
    """The whole directory as one command."""
    return pb.ImportDirectoryRequest(
        district=directory.district,
        valid_from_on=FOUNDED_ON,
        regions=[pb.Region(code=r.code, name=r.name, level=r.level, parent_code=r.parent) for r in directory.regions],
        organs=[
            pb.Organ(
                organ_id=o.id,
                code=o.code,
                name=o.name,
                short_name=o.short_name,
                kind=o.kind,
                tier=o.tier,
                region_code=o.region,
                parent_organ_id=o.parent_id,
                phone=o.phone,
            )
            for o in directory.organs
        ],
        staff=[pb.StaffMember(person_id=s.id, login=s.login, name=s.name, sex=s.sex, phone=s.phone) for s in directory.staff],
        posts=[
            pb.Post(person_id=s.id, organ_id=p.organ_id, role=p.role, valid_from_on=p.since.isoformat())
            for s in directory.staff
            for p in s.posts
        ],
        mediators=[
            pb.MediatorEntry(
                person_id=s.id,
                specialties=s.mediator.specialties,
                languages=s.mediator.languages,
                care_skills=s.mediator.care_skills,
                term_end_on=s.mediator.term_end.isoformat(),
                max_load=s.mediator.max_load,
            )
            for s in directory.staff
            if s.mediator
        ],
    )


def _rules() -> Iterator[rules.RoutingRule]:
    for r in load_routing_rules():
        yield rules.RoutingRule(
            code=r.code,
            valid_from_on=r.valid_from.isoformat(),
            valid_to_on=r.valid_to.isoformat() if r.valid_to else "",
            territory=r.territory,
            category=r.category,
            channel=r.channel,
            legal_relation=r.legal_relation,
            lead_kind=r.lead_kind,
            lead_tier=r.lead_tier,
            co_kinds=r.co_kinds,
            priority=r.priority,
            basis=r.basis,
        )
