"""Commands on clocks, deadline rules and the calendar, and the duties that fire, stop and replan clocks."""

from datetime import date
from typing import Protocol

from tiaochu.routing.v1 import clock_service_pb2 as pb
from tiaochu.routing.v1 import duties_pb2 as duties
from tiaochu_domainkit.calendar import Calendar, YearCalendar
from tiaochu_domainkit.clocks import beijing, parse_length
from tiaochu_domainkit.deadlines import defaults
from tiaochu_domainkit.errors import DomainError, Kind, invalid, not_found
from tiaochu_domainkit.quantities import real_date
from tiaochu_domainkit.text import clean
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_routing.domain.clock import EXPIRED, PAUSED, RUNNING
from tiaochu_routing.domain.deadline_book import DeadlineBook, OwnVersion, calendar_of_district
from tiaochu_routing.usecases.clock_reactions import set_timer
from tiaochu_routing.usecases.responsibility import acting_unit
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import CLOCKS, DEADLINE_BOOKS, RESPONSIBILITIES, book_id

REPLAN_CLOCKS = "replan_clocks"


class Books(Protocol):
    """Deadline books as stored."""

    async def calendar_of_case(self, case_id: str) -> Calendar:
        """The calendar of the case's district."""

    async def provisional_clocks(self, district: str) -> int:
        """How many running clocks of the district rest on an unpublished year."""


class ClockCommands:
    """What people and the passing of time do to clocks."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def _calendar(self, _ctx: Context, r: pb.ExtendClockRequest) -> Calendar:
        return await self._books.calendar_of_case(r.case_id)

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CLOCKS.by_id(r.clock_id)], before=_calendar)
    def extend_clock(self, work: Work, r: pb.ExtendClockRequest, calendar: Calendar) -> pb.ExtendClockResponse:
        """Make a period longer within what its rule allows."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        clock = work.get(CLOCKS, r.clock_id)
        if clock.case_id != case.id:
            raise not_found(CLOCKS.name, r.clock_id)
        if r.clock_etag and r.clock_etag != str(clock.version):
            etag = {"etag": str(clock.version)}
            raise DomainError(Kind.CONFLICT, "VERSION_CHANGED", "somebody saved a newer version", "内容已被他人修改,请刷新后再提交", etag)
        clock.extend(acting_unit(work.actor), case.holder, r.length, r.reason, calendar, work.now)
        set_timer(work, clock)
        response = pb.ExtendClockResponse(clock_etag=work.etag(clock))
        if clock.due_at is not None:
            response.due_at.FromDatetime(clock.due_at)
        return response

    @command(reads=lambda r: [DEADLINE_BOOKS.by_id(book_id(r.district))])
    def put_clock_rule(self, work: Work, r: pb.PutClockRuleRequest) -> pb.PutClockRuleResponse:
        """Put a district's version of a rule, valid from tomorrow at the earliest: what has begun keeps its rule."""
        book = self._book(work, r.district)
        day = real_date("valid_from_on", r.valid_from_on)
        if day <= beijing(work.now).date():
            raise invalid("valid_from_on", "DATE_NOT_FUTURE", "新规则最早自明日起生效")
        if r.code not in defaults().rules:
            raise invalid("code", "RULE_UNKNOWN", "没有这项期限规则")
        version = OwnVersion(r.code, day, parse_length(r.length), clean("legal_basis", r.legal_basis, 400, min_chars=1))
        book.put(version)
        return pb.PutClockRuleResponse(version=f"{r.code}@{day}")

    async def _waiting(self, _ctx: Context, r: pb.LoadCalendarYearRequest) -> int:
        return await self._books.provisional_clocks(r.district)

    @command(reads=lambda r: [DEADLINE_BOOKS.by_id(book_id(r.district))], before=_waiting)
    def load_calendar_year(self, work: Work, r: pb.LoadCalendarYearRequest, waiting: int) -> pb.LoadCalendarYearResponse:
        """Load the notice of a year; clocks that were provisional are planned again after the commit."""
        book = self._book(work, r.district)
        book.load(_year(r))
        if waiting:
            work.call(REPLAN_CLOCKS, r.district, r.district)
        return pb.LoadCalendarYearResponse(clocks_to_replan=waiting)

    @command(reads=lambda r: [CLOCKS.by_id(r.clock_id), RESPONSIBILITIES.by_id(r.case_id)])
    def fire_clock(self, work: Work, r: duties.FireClockDuty) -> duties.DutyDone:
        """Duty: give the warnings that are due; let a period that is over expire."""
        clock = work.get(CLOCKS, r.clock_id)
        if clock.status != RUNNING:
            return duties.DutyDone(changed=0)
        clock.fire(work.get(RESPONSIBILITIES, r.case_id).holder, work.now)
        set_timer(work, clock)
        return duties.DutyDone(changed=len(clock.recorded))

    @command(reads=lambda r: [DEADLINE_BOOKS.by_id(book_id(r.district)), *map(CLOCKS.by_id, r.clock_ids)])
    def replan_clocks(self, work: Work, r: duties.ReplanClocksDuty) -> duties.DutyDone:
        """Duty: plan clocks again because the calendar of their district changed."""
        calendar = calendar_of_district(work.find(DEADLINE_BOOKS, book_id(r.district)))
        changed = 0
        for clock in filter(None, (work.find(CLOCKS, ident) for ident in r.clock_ids)):
            if clock.status == RUNNING and clock.provisional:
                clock.replan(calendar, work.now)
                set_timer(work, clock)
                changed += 1
        return duties.DutyDone(changed=changed)

    @command(reads=lambda r: [*map(CLOCKS.by_id, r.clock_ids)])
    def stop_clocks(self, work: Work, r: duties.StopClocksDuty) -> duties.DutyDone:
        """Duty: stop the clocks of a case that ended."""
        changed = 0
        for clock in filter(None, (work.find(CLOCKS, ident) for ident in r.clock_ids)):
            if clock.status in (RUNNING, PAUSED, EXPIRED):
                clock.stop(work.now)
                set_timer(work, clock)
                changed += 1
        return duties.DutyDone(changed=changed)

    def _book(self, work: Work, district: str) -> DeadlineBook:
        own_district(work.actor, district)
        ident = book_id(district)
        return work.find(DEADLINE_BOOKS, ident) or work.add(DEADLINE_BOOKS, DeadlineBook(id=ident, district=district))


def _year(r: pb.LoadCalendarYearRequest) -> YearCalendar:
    rest = {real_date(f"rest_days[{i}].on", d.on): clean(f"rest_days[{i}].zh", d.zh, 20, min_chars=1) for i, d in enumerate(r.rest_days)}
    make_up: frozenset[date] = frozenset(real_date(f"make_up_days[{i}]", d) for i, d in enumerate(r.make_up_days))
    try:
        return YearCalendar(r.year, rest, make_up)
    except ValueError as error:
        raise invalid("rest_days", "CALENDAR_WRONG", "节假日安排与年份或星期不符") from error
