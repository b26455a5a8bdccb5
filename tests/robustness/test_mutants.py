"""The planted bugs are still bugs of this code: each applies, and names faults there are. Whether the campaign finds them shows `make prove-mutants`."""

from pathlib import Path

import pytest

from robustness.faults import FAULTS
from robustness.mutants import OWN, ROOT, Mutant, Unusable, mutants


@pytest.mark.parametrize("mutant", mutants(OWN), ids=lambda mutant: mutant.name)
def test_every_planted_bug_still_applies(mutant: Mutant) -> None:
    mutant.apply(ROOT, dry=True)
    assert mutant.promise
    assert set(mutant.faults) <= FAULTS.keys()


def test_there_are_enough_of_them() -> None:
    assert len(mutants(OWN)) >= 12


def test_a_foreign_patch_for_other_code_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "stale.patch").write_text("--- a/Makefile\n+++ b/Makefile\n@@ -1,1 +1,1 @@\n-no such line\n+another\n")
    with pytest.raises(Unusable, match="does not apply"):
        mutants(tmp_path)[0].apply(ROOT, dry=True)


def test_a_folder_without_patches_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no patches"):
        mutants(tmp_path)
