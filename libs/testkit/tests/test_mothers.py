"""Synthetic numbers: the published vectors, an independent checker, and equal seeds."""

from datetime import date

import pytest
from stdnum.cn import ric, uscc

from tiaochu_testkit.mothers import credit_code, id_number, organisation, person


@pytest.mark.parametrize(
    ("county", "born", "order", "number"),
    [("110105", date(1949, 12, 31), 2, "11010519491231002X"), ("440524", date(1880, 1, 1), 1, "440524188001010014")],
)
def test_published_id_numbers(county: str, born: date, order: int, number: str) -> None:
    assert id_number(county, born, order) == number


def test_published_credit_code() -> None:
    assert credit_code("91350100", "M000100Y") == "91350100M000100Y43"


@pytest.mark.parametrize("seed", range(50))
def test_every_person_and_organisation_passes_another_checker(seed: int) -> None:
    someone, firm = person(seed), organisation(seed)
    assert ric.validate(someone.id_number) == someone.id_number
    assert uscc.validate(firm.credit_code) == firm.credit_code
    assert (int(someone.id_number[16]) % 2 == 1) == (someone.sex == "male")


def test_equal_seeds_give_equal_people() -> None:
    assert person(7) == person(7) != person(8)
    assert person(7, born=date(2015, 6, 1), sex="female").id_number[6:14] == "20150601"
