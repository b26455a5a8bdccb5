import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit import regions
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.regions import Level, Region, UnitKind, parse


def reason(code: str) -> str:
    with pytest.raises(DomainError) as caught:
        parse(code)
    return caught.value.violations[0].reason


@pytest.mark.parametrize(
    ("code", "level", "kind", "parent"),
    [
        ("320000", Level.PROVINCE, None, None),
        ("321200", Level.CITY, None, "320000"),
        ("321282", Level.COUNTY, None, "321200"),
        ("321282001000", Level.TOWN, UnitKind.SUBDISTRICT, "321282"),
        ("321282100000", Level.TOWN, UnitKind.TOWN, "321282"),
        ("321282200000", Level.TOWN, UnitKind.TOWNSHIP, "321282"),
        ("321282400000", Level.TOWN, UnitKind.TOWN_LIKE, "321282"),
        ("321282Z01000", Level.TOWN, UnitKind.LOCAL, "321282"),
        ("321282100001", Level.VILLAGE, UnitKind.NEIGHBOURHOOD, "321282100000"),
        ("321282100201", Level.VILLAGE, UnitKind.VILLAGE, "321282100000"),
        ("321282100498", Level.VILLAGE, UnitKind.NEIGHBOURHOOD_LIKE, "321282100000"),
        ("321282Z01598", Level.VILLAGE, UnitKind.VILLAGE_LIKE, "321282Z01000"),
        ("321282100Z07", Level.VILLAGE, UnitKind.LOCAL, "321282100000"),
        ("321282100201003", Level.GRID, None, "321282100201"),
    ],
)
def test_level_kind_and_parent(code: str, level: Level, kind: str | None, parent: str | None) -> None:
    region = parse(code)
    assert (region.level, region.kind, region.parent) == (level, kind, Region(parent) if parent else None)


def test_within_and_ancestors() -> None:
    grid = parse("321282100201003")
    assert [a.code for a in grid.ancestors()] == ["321282100201", "321282100000", "321282", "321200", "320000"]
    assert all(grid.is_within(a) and not a.is_within(grid) for a in grid.ancestors())
    assert grid.is_within(grid)
    assert not grid.is_within(parse("321282100202"))
    assert grid.county == "321282"
    with pytest.raises(ValueError, match="above a county"):
        _ = parse("321200").county


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "REGION_FORMAT"),
        ("3212", "REGION_FORMAT"),
        ("321282100", "REGION_FORMAT"),
        ("32128210020", "REGION_FORMAT"),
        ("321282１00201", "REGION_FORMAT"),
        ("991282", "REGION_PROVINCE"),
        ("320082", "REGION_PROVINCE"),
        ("321200100000", "REGION_RANGE"),
        ("321282000201", "REGION_RANGE"),
        ("321282600000", "REGION_RANGE"),
        ("321282100600", "REGION_RANGE"),
        ("321282Z00000", "REGION_RANGE"),
        ("321282100000001", "REGION_RANGE"),
        ("321282100201000", "REGION_RANGE"),
    ],
)
def test_refused(code: str, expected: str) -> None:
    assert reason(code) == expected


def test_a_district_is_a_county() -> None:
    assert regions.district("321282") == "321282"
    with pytest.raises(DomainError) as caught:
        regions.district("321200")
    assert caught.value.violations[0].reason == "REGION_NOT_COUNTY"


@given(st.text(max_size=20))
def test_any_text_is_taken_or_refused_by_reason(value: str) -> None:
    try:
        region = parse(value)
    except DomainError as error:
        refusal = error.violations[0].reason
        taken = None
    else:
        refusal, taken = "", region
    assert refusal.startswith("REGION_") if taken is None else parse(taken.code) == taken


def test_a_county_may_be_written_with_twelve_digits() -> None:
    assert parse("321282000000") == Region("321282")
