"""The one reviewed list of deviations keeps its form; that it is exact is shown by the tests of each suite."""

from __future__ import annotations

from .deviating import KINDS, all_deviations


def test_every_deviation_has_a_suite_a_kind_of_that_suite_and_a_reason() -> None:
    for group in all_deviations():
        assert group.kind in KINDS[group.suite], group
        assert group.reason.endswith("."), group
        assert group.tests, group
    assert {group.suite for group in all_deviations()} == KINDS.keys()


def test_no_test_is_listed_twice() -> None:
    listed = [(group.suite, test) for group in all_deviations() for test in group.tests]
    assert len(listed) == len(set(listed))
