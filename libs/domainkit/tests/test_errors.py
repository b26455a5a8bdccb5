"""An error tells what is wrong and repeats nothing that a person may have typed."""

import pytest

from tiaochu_domainkit.errors import not_found

CASE = "01a20c93-431f-7092-92e7-9a4b402495a4"


@pytest.mark.parametrize("ident", [CASE, "0" * 64])
def test_what_was_not_found_is_told_by_its_id(ident: str) -> None:
    error = not_found("case", ident)
    assert ident in str(error)
    assert error.metadata == {"what": "case", "id": ident}


@pytest.mark.parametrize(
    "typed", ["欧阳建国", "11010519491231002X", "19900001111", "someone@example.invalid", f"{CASE} 欧阳", CASE.upper(), ""]
)
def test_what_is_no_id_is_not_repeated(typed: str) -> None:
    error = not_found("case", typed)
    assert not typed or typed not in f"{error} {error.zh}"
    assert error.metadata == {"what": "case", "id": ""}
