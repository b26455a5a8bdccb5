import pytest

from tiaochu_domainkit.categories import categories, category, detail, groups, moj_type
from tiaochu_domainkit.codes import CHANNEL_SOURCES, ENTRUSTED_SOURCES, LISTS, code_list
from tiaochu_domainkit.errors import DomainError


def test_the_standard_is_whole() -> None:
    """17 classes; 78 leaves of four digits, and 99, which is its own leaf."""
    assert list(groups()) == [f"{n:02d}" for n in range(1, 17)] + ["99"]
    assert len(categories()) == 79
    assert all(code.startswith(leaf.group) for code, leaf in categories().items())


def test_every_leaf_stands_on_known_codes() -> None:
    for leaf in categories().values():
        assert leaf.mediable in {"Y", "C", "N"}
        assert leaf.lead_kinds
        assert set(leaf.lead_kinds) <= set(code_list("organ_kind").names)
        assert {moj for _, moj in leaf.moj_by_flag} | {leaf.moj} - {""} <= set(code_list("moj_type").names)
        assert {flag for flag, _ in leaf.moj_by_flag} <= set(code_list("flag").names)


def test_the_ministry_has_eighteen_types_and_every_one_is_reached() -> None:
    reached = {moj_type(code, flags) for code in categories() for flags in ((), ("tourism",), ("online",), ("migrant_worker_wages",))}
    assert len(code_list("moj_type").names) == 18
    assert reached - {""} == set(code_list("moj_type").names)


@pytest.mark.parametrize(
    ("code", "flags", "expected"),
    [
        ("0101", (), "marriage_family"),
        ("0401", (), "damages"),
        ("0402", (), "property"),
        ("0403", (), "housing"),
        ("0502", (), "medical"),
        ("0503", (), "traffic"),
        ("0601", (), "other_consumer"),
        ("0601", ("online",), "e_commerce"),
        ("0601", ("online", "tourism"), "tourism"),
        ("0602", ("online",), "contract"),
        ("0603", (), "production"),
        ("0701", (), "other_labour"),
        ("0701", ("minor", "migrant_worker_wages"), "migrant_wages"),
        ("0902", (), "housing"),
        ("0901", (), "forest_land"),
        ("1102", (), "expropriation"),
        ("1301", (), ""),
        ("1401", ("migrant_worker_wages",), ""),
        ("99", (), "other"),
    ],
)
def test_the_type_of_a_case(code: str, flags: tuple[str, ...], expected: str) -> None:
    assert moj_type(code, flags) == expected


def test_only_what_people_mediate_is_counted() -> None:
    assert {leaf.group for leaf in categories().values() if not leaf.moj} == {"13", "14", "15"}
    assert {leaf.group for leaf in categories().values() if leaf.restricted} == {"14", "15"}
    assert {leaf.code for leaf in categories().values() if leaf.status} == {"0101", "0102", "0199"}


@pytest.mark.parametrize("code", ["", "06", "0600", "060101", "9999"])
def test_unknown_categories(code: str) -> None:
    with pytest.raises(DomainError) as caught:
        category(code)
    assert caught.value.violations[0].reason == "CATEGORY_UNKNOWN"


def test_the_third_level_exists_below_0601_only() -> None:
    assert category("0601").details["060108"] == "预付卡"
    assert len(category("0601").details) == 12
    assert (detail("0601", "060101"), detail("0601", ""), detail("0101", "")) == ("060101", "", "")
    with pytest.raises(DomainError) as caught:
        detail("0101", "060101")
    assert caught.value.violations[0].reason == "CATEGORY_DETAIL_UNKNOWN"


def test_every_door_has_a_source() -> None:
    assert set(CHANNEL_SOURCES) == set(code_list("channel").names)
    assert {source for sources in CHANNEL_SOURCES.values() for source in sources} == set(code_list("source").names)
    assert set(code_list("source").names) - set(ENTRUSTED_SOURCES) == {"initiative", "application"}


def test_code_lists() -> None:
    assert all(code_list(name).names for name in LISTS)
    grounds = code_list("decline_ground")
    assert "already_handled" in grounds
    assert grounds.check("ground", "already_handled") == "already_handled"
    assert (grounds.zh("papers_missing"), grounds.zh("later")) == ("材料不全且未补正", "later")
    with pytest.raises(DomainError) as caught:
        grounds.check("ground", "later")
    assert caught.value.violations[0].reason == "CODE_UNKNOWN"
