"""What harnesses are made of: choices, trees of DER, the lists of reviewed differences."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from fuzz import second_jws, second_path
from fuzz.choices import Choices, changed, mutations
from fuzz.der import Node, change, encoded, parse
from fuzz.harness import ACCEPTED
from fuzz.hierarchies import build
from fuzz.vectors import certificate_ders

DISAGREEMENTS = Path(__file__).resolve().parents[1] / "conformance" / "pyhanko_disagreements.toml"


def test_choices_behind_the_end_are_the_first_ones() -> None:
    choices = Choices(b"\x05")
    assert (choices.octet(), choices.octet(), choices.below(1000), choices.pick("ab")) == (5, 0, 0, "a")
    assert (choices.octets(9), choices.text(9), choices.rest(), choices.left) == (b"", "", b"", 0)


def test_choices_are_read_in_order() -> None:
    choices = Choices(b"\x03abc\x02\xc3\xa9\x01\x02\x07rest")
    assert (choices.octets(9), choices.text(9), choices.below(300)) == (b"abc", "\u00e9", 258)
    assert (choices.below(4), choices.rest()) == (3, b"rest")


@pytest.mark.parametrize("kind", range(8))
def test_every_kind_of_change_changes_something_and_survives_an_empty_text(kind: int) -> None:
    assert changed(b"abcdef", Choices(bytes([2, kind, 1, 1, 1])), [b"word"]) != b"abcdef"
    assert isinstance(changed(b"", Choices(bytes([0, kind, 1])), []), bytes)


def test_mutations_are_the_same_for_the_same_start() -> None:
    seeds = [b"one", b"another"]
    assert list(mutations(seeds, [b"w"], 50, start=1)) == list(mutations(seeds, [b"w"], 50, start=1))
    assert list(mutations(seeds, [b"w"], 50, start=1)) != list(mutations(seeds, [b"w"], 50, start=2))


@pytest.mark.parametrize("name", certificate_ders())
def test_a_tree_of_der_is_written_as_it_was_read(name: str) -> None:
    der = certificate_ders()[name]
    assert encoded(parse(der)) == der


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x05\x00", b"\x1f\x01\x00", b"\x05\x00\x05\x00"])
def test_what_is_not_one_value_of_der_is_no_tree(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        parse(octets)


def test_changes_of_a_tree_keep_every_length_right() -> None:
    der = certificate_ders()["leaf"]
    made = set()
    for octets in mutations([bytes([0, 9, 5, 3])], [], 300, start=1):
        root = parse(der)
        change(root, Choices(octets))
        made.add(encoded(root))
        outer = encoded(root)
        length = int.from_bytes(outer[2:4]) if outer[1] == 0x82 else None
        assert length is None or length == len(outer) - 4
    assert len(made) > 100
    change(Node(0x30), Choices(b"\1"))  # nothing below it


# --- the lists of differences --------------------------------------------------------------------------------


def test_reasons_that_the_conformance_tests_have_too_are_the_same() -> None:
    listed = {item["reason"] for item in tomllib.loads(DISAGREEMENTS.read_text("utf-8"))["disagreement"]}
    assert {item.reason for item in second_path.DIFFERENCES if item.listed} <= listed
    assert not {item.reason for item in second_path.DIFFERENCES if not item.listed} & listed


@pytest.mark.parametrize("difference", second_path.DIFFERENCES, ids=lambda item: item.reason[:40])
def test_every_reason_why_paths_differ_is_needed(difference: second_path.Difference) -> None:
    for octets in second_path.seeds():
        case = build(Choices(octets))
        others = {label for item in second_path.DIFFERENCES if item is not difference for label in item.labels}
        if case.labels & difference.labels and not case.labels & (others - difference.labels):
            verdicts = second_path.ours(case)[0] == ACCEPTED, second_path.theirs(case)[0] == ACCEPTED
            if verdicts == ((False, True) if difference.pyhanko == "VALID" else (True, False)):
                return
    pytest.fail("no seed shows this difference")


@pytest.mark.parametrize("difference", second_jws.DIFFERENCES, ids=lambda item: item.reason[:40])
def test_every_reason_why_signatures_differ_is_needed(difference: second_jws.Difference) -> None:
    seeds = second_jws.seeds()
    for octets in [*seeds, *mutations(seeds, [], 2000, start=1)]:
        case = second_jws.made(Choices(octets))
        others = [item for item in second_jws.DIFFERENCES if item is not difference and item.applies(case)]
        if difference.applies(case) and not others and second_jws.theirs(case) == ACCEPTED:
            assert second_jws.ours(case) != ACCEPTED
            return
    pytest.fail("no seed shows this difference alone")
