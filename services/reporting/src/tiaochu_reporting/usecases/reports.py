"""The month table, the cases behind a figure, and the proof that the table is right."""

from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.usecase import Context, query
from tiaochu_reporting.domain.books import cut
from tiaochu_reporting.domain.figures import FIGURES, WHOLE, Check, Row, column_checks, figure, rows, unit_checks
from tiaochu_reporting.domain.periods import month_text, parse_period
from tiaochu_reporting.usecases.instants import stamp
from tiaochu_reporting.usecases.ports import FigureCase, Reading
from tiaochu_reporting.usecases.scopes import moments, question

_ALL_TIERS = 99
_COLUMNS = [pb.Column(figure=f.code, name=f.name, group=f.group, unit=f.unit) for f in FIGURES.values()]


class ReportQueries:
    """Queries over the ledger."""

    def __init__(self, reading: Reading, pages: PageTokens) -> None:
        self._reading = reading
        self._pages = pages

    @query
    async def get_month_table(self, ctx: Context, r: pb.GetMonthTableRequest) -> pb.GetMonthTableResponse:
        """One table; the district's totals are read once, whatever the unit."""
        q = await question(self._reading, ctx, r)
        found = rows(await self._reading.tallies(ctx, q.district, q.cut), q.organs, q.unit, max(r.levels or 1, 0))
        return pb.GetMonthTableResponse(
            district=q.district,
            period=r.period,
            as_of=stamp(q.as_of),
            columns=_COLUMNS,
            rows=[_row(row) for row in found],
            locked=q.cut.locked,
        )

    @query
    async def list_figure_cases(self, ctx: Context, r: pb.ListFigureCasesRequest) -> pb.ListFigureCasesResponse:
        """One page of the cases of a figure, by case id."""
        wanted = figure(r.figure)
        q = await question(self._reading, ctx, r)
        size = page_size(r.page_size)
        found = await self._reading.cases(ctx, q.district, q.cut, q.unit.organ_id, wanted, self._pages.read(ctx.principal.id, r), size + 1)
        page = found[:size]
        token = ""
        if len(found) > size:
            last = page[-1]
            token = self._pages.write(ctx.principal.id, r, (last.case_id, last.month.isoformat(), last.organ_id))
        return pb.ListFigureCasesResponse(cases=[_case(c) for c in page], next_page_token=token)

    @query
    async def reconcile(self, ctx: Context, r: pb.ReconcileRequest) -> pb.ReconcileResponse:
        """Columns, units, and a second count from the facts themselves."""
        district = ctx.principal.own_district(r.district)
        period = parse_period(r.period)
        _, known = moments(ctx, r)
        books = await self._reading.books(ctx, district)
        made = cut(books.locks if books else (), period, known)
        organs = await self._reading.organs(ctx, district, period.last, known)
        table = rows(await self._reading.tallies(ctx, district, made), organs, WHOLE, _ALL_TIERS)
        counted, tallies = await self._reading.recounted(ctx, district, made)
        again = rows(tallies, organs, WHOLE, _ALL_TIERS)
        checks = [*(c for row in table for c in column_checks(row)), *unit_checks(table), *_recount_checks(table, again)]
        return pb.ReconcileResponse(balanced=all(c.holds for c in checks), checks=[_check(c) for c in checks], cases_recounted=counted)


def _recount_checks(table: list[Row], again: list[Row]) -> list[Check]:
    return [Check("recount", code, again[0].values.get(code, 0), table[0].values.get(code, 0)) for code in FIGURES]


def _row(row: Row) -> pb.Row:
    o = row.organ
    return pb.Row(
        organ_id=o.organ_id,
        organ_path=o.organ_path if o.organ_id else "",
        kind=o.kind,
        tier=o.tier,
        values=row.values,
        own=row.own,
        adjustments={code: value for code, value in row.adjustments.items() if value},
    )


def _case(c: FigureCase) -> pb.FigureCase:
    return pb.FigureCase(
        case_id=c.case_id,
        case_number=c.case_number,
        organ_id=c.organ_id,
        organ_path=c.organ_path,
        month=month_text(c.month),
        value=c.value,
        adjustment=c.adjustment,
    )


def _check(c: Check) -> pb.Check:
    return pb.Check(name=c.name, subject=c.subject, expected=c.expected, actual=c.actual, holds=c.holds)
