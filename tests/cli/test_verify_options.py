"""Every option of `nlgov-jades verify` and `inspect`, and the JSON of the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import AUTHENTICITY, EXAMPLE_OIN

from .command import Argument, Done, Run, signing, trusting

OTHER_OIN = "00000001822477348000"


def verify(run: Run, files: Path, *options: Argument, message: str = "signed.http") -> Done:
    return run("verify", files / message, *trusting(files), *options, "--json")


# --- the JSON of the contract --------------------------------------------------------------------------------


def test_the_json_of_a_valid_message_has_every_field_of_the_contract(run: Run, files: Path, signer: Issued) -> None:
    value = verify(run, files).json
    assert {"valid", "profile", "algorithm", "signing_time", "covered", "signer", "revocation"} <= value.keys()
    assert (value["valid"], value["profile"], value["algorithm"]) == (True, "adr-payload", "PS256")
    assert value["covered"] == ["digest"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value["signing_time"])
    assert value["signer"] == {
        "oin": EXAMPLE_OIN,
        "kvk": "12345678",
        "common_name": "gegevens.gemeente.example",
        "organization": "Gemeente Voorbeeldstad",
        "sha256": signer.certificate.fingerprint(SHA256()).hex(),
    }


def test_the_json_has_one_entry_of_revocation_for_each_certificate_below_the_anchor(
    run: Run, files: Path, signer: Issued
) -> None:
    entries = verify(run, files).json["revocation"]
    assert [entry["certificate"] for entry in entries] == [
        certificate.fingerprint(SHA256()).hex() for certificate in signer.chain[:-1]
    ]
    for entry in entries:
        assert entry.keys() >= {"certificate", "source", "status", "this_update", "next_update"}
        assert (entry["source"], entry["status"], entry["this_update"], entry["next_update"]) == (
            None,
            "unchecked",
            None,
            None,
        )


def test_the_json_of_a_message_that_is_not_valid_has_exactly_the_fields_of_the_contract(run: Run, files: Path) -> None:
    done = verify(run, files, message="request.http")
    assert done.status == 1
    assert done.json.keys() == {"valid", "error"}
    assert done.json["valid"] is False
    assert done.json["error"].keys() == {"code", "sub_indication", "detail"}
    assert done.json["error"]["sub_indication"] == "SIGNED_DATA_NOT_FOUND"


def test_the_json_of_what_cannot_be_read_has_exactly_the_fields_of_the_contract(run: Run, files: Path) -> None:
    done = verify(run, files, message="absent")
    assert done.status == 2
    assert done.json.keys() == {"error"}
    assert done.json["error"].keys() == {"code", "detail"}


def test_a_signer_without_numbers_has_null_for_both(run: Run, files: Path, today: Hierarchy, tmp_path: Path) -> None:
    issued = today.tsp.issue(oin=None)
    (tmp_path / "key.pem").write_bytes(issued.key_pem())
    (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
    run("sign", files / "request.http", "-o", tmp_path / "out", *signing(tmp_path))
    said = run("verify", tmp_path / "out", *trusting(files), "--json").json["signer"]
    assert (said["oin"], said["kvk"]) == (None, None)


# --- input ---------------------------------------------------------------------------------------------------


def test_headers_and_body_in_two_files_are_one_message(run: Run, files: Path) -> None:
    done = run("verify", "--headers", files / "head", "--body", files / "body", *trusting(files), "--json")
    assert done.json["valid"] is True


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--headers", "x"),
        ("--body", "x"),
        ("IN", "--headers", "x"),
        ("IN", "--body", "x"),
        ("IN", "--headers", "x", "--body", "x"),
        ("IN", "IN"),
    ],
)
def test_one_message_must_be_named_and_no_more(options: tuple[str, ...], run: Run, files: Path) -> None:
    words = [files / "signed.http" if word == "IN" else word for word in options]
    assert run("verify", *words, *trusting(files), "--json").error == "USAGE"


# --- trust ---------------------------------------------------------------------------------------------------


def test_trust_anchors_may_be_der(run: Run, files: Path) -> None:
    done = run("verify", files / "signed.http", "--trust", files / "root.der", "--revocation", "off")
    assert done.status == 0


def test_trust_anchors_may_be_a_folder_of_which_other_files_are_not_read(run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "root.CER").write_bytes((files / "root.der").read_bytes())
    (tmp_path / "README.txt").write_bytes(b"not a certificate")
    (tmp_path / "more").mkdir()
    done = run("verify", files / "signed.http", "--trust", tmp_path, "--revocation", "off")
    assert done.status == 0


def test_a_folder_without_certificates_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    done = run("verify", files / "signed.http", "--trust", tmp_path, "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")


def test_a_folder_with_one_bad_certificate_is_refused_and_the_file_is_named(
    run: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.pem").write_bytes((files / "root.pem").read_bytes())
    (tmp_path / "b.pem").write_bytes(b"nothing")
    done = run("verify", files / "signed.http", "--trust", tmp_path, "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")
    assert "b.pem" in done.detail


def test_a_signers_certificate_is_no_trust_anchor(run: Run, files: Path) -> None:
    done = run("verify", files / "signed.http", "--trust", files / "leaf.pem", "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")


def test_an_empty_name_is_not_the_current_folder(
    run: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # --trust "$ROOTS" where ROOTS is not set would trust whatever lies about.
    (tmp_path / "root.pem").write_bytes((files / "root.pem").read_bytes())
    monkeypatch.chdir(tmp_path)
    done = run("verify", files / "signed.http", "--trust", "", "--revocation", "off", "--json")
    assert done.status == 2


def test_another_root_is_refused(run: Run, files: Path) -> None:
    done = run("verify", files / "signed.http", "--trust", files / "foreign-root.pem", *trusting(files)[2:], "--json")
    assert (done.status, done.error) == (1, "CERTIFICATE_PATH")


def test_intermediates_make_up_for_a_short_chain(run: Run, files: Path, tmp_path: Path) -> None:
    run("sign", files / "request.http", "-o", tmp_path / "out", *signing(files), "--send-chain", "leaf")
    without = run("verify", tmp_path / "out", *trusting(files), "--json")
    assert (without.status, without.error) == (1, "CERTIFICATE_PATH")
    assert run("verify", tmp_path / "out", *trusting(files), "--intermediates", files / "cas.pem").status == 0


def test_an_intermediate_is_not_trusted_by_itself(run: Run, files: Path) -> None:
    words = ("--trust", files / "foreign-root.pem", "--intermediates", files / "root.pem", "--revocation", "off")
    done = run("verify", files / "signed.http", *words, "--json")
    assert (done.status, done.error) == (1, "CERTIFICATE_PATH")


# --- policy --------------------------------------------------------------------------------------------------


def test_without_profile_the_field_decides_and_people_are_told(run: Run, files: Path) -> None:
    assert b"chosen by the field nlgov-adr-payload-sig" in run("verify", files / "signed.http", *trusting(files)).out


@pytest.mark.parametrize("profile", ["ddas-body", "oots-response"])
def test_the_early_dialect_and_oots_are_never_chosen_by_the_field(
    profile: str, run: Run, files: Path, tmp_path: Path
) -> None:
    words = ("--profile", "ddas-body") if profile == "ddas-body" else ()
    message = tmp_path / "out"
    run("sign", files / "request.http", "-o", message, *signing(files), *words)
    if profile == "oots-response":
        message.write_bytes(message.read_bytes().replace(b"nlgov-adr-payload-sig", b"oots-response-sig"))
    assert run("verify", message, *trusting(files)).status == 1


def test_a_profile_that_is_not_named_is_not_accepted(run: Run, files: Path) -> None:
    done = verify(run, files, "--profile", "logius-payload")
    assert (done.status, done.error) == (1, "SIGNATURE_MISSING")


def test_several_profiles_may_be_named(run: Run, files: Path) -> None:
    assert verify(run, files, "--profile", "logius-payload", "--profile", "ddas").json["profile"] == "ddas"


def test_two_profiles_for_one_field_are_refused(run: Run, files: Path) -> None:
    done = verify(run, files, "--profile", "adr-payload", "--profile", "ddas")
    assert (done.status, done.error) == (2, "CONFIGURATION")


@pytest.mark.parametrize("name", ["oin", "kvk"])
def test_a_signer_that_is_named_is_accepted(name: str, run: Run, files: Path) -> None:
    number = {"oin": EXAMPLE_OIN, "kvk": "12345678"}[name]
    assert verify(run, files, f"--{name}", number).json["valid"] is True


def test_a_signer_that_is_named_among_others_is_accepted(run: Run, files: Path) -> None:
    assert verify(run, files, "--kvk", "87654321", "--oin", OTHER_OIN, "--oin", EXAMPLE_OIN).json["valid"] is True


@pytest.mark.parametrize("option", [("--oin", OTHER_OIN), ("--kvk", "87654321")])
def test_a_signer_that_is_not_named_is_refused(option: tuple[str, str], run: Run, files: Path) -> None:
    done = verify(run, files, *option)
    assert (done.status, done.error) == (1, "SIGNER_NOT_ALLOWED")


def test_without_a_named_signer_people_and_programs_are_told_that_any_is_accepted(run: Run, files: Path) -> None:
    assert "ANY_SIGNER" in [notice["code"] for notice in verify(run, files).json["notices"]]
    assert b"any signer with a trusted certificate is accepted" in verify(run, files).err


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ("--oin", ""),
        ("--oin", "0000000100222064700"),
        ("--oin", "000000010022206470000"),
        ("--oin", "0000000100222064700A"),
        ("--oin", " 00000001002220647000"),
        ("--oin", "00000001002220647001"),
        ("--oin", "00000077002220647000"),
        ("--oin", "\N{ARABIC-INDIC DIGIT ZERO}0000001002220647000"),
        ("--kvk", ""),
        ("--kvk", "1234567"),
        ("--kvk", "123456789"),
        ("--kvk", "1234567a"),
        ("--kvk", "1234 678"),
        ("--kvk", "\N{ARABIC-INDIC DIGIT ONE}2345678"),
    ],
)
def test_a_number_of_another_form_is_status_two(option: str, number: str, run: Run, files: Path) -> None:
    done = verify(run, files, option, number)
    assert (done.status, done.error) == (2, "CONFIGURATION")


def test_a_policy_that_the_certificate_has_is_accepted(run: Run, files: Path) -> None:
    assert verify(run, files, "--require-policy", "1.2.3", "--require-policy", AUTHENTICITY).status == 0


def test_a_policy_that_the_certificate_has_not_is_refused(run: Run, files: Path) -> None:
    done = verify(run, files, "--require-policy", "2.16.528.1.1003.1.2.5.4")
    assert (done.status, done.error) == (1, "CERTIFICATE_PATH")


@pytest.mark.parametrize("oid", ["", "x", "2", "3.1.2", "1.2.", "1..2", "1.02", "1.2.3 "])
def test_a_policy_that_is_no_oid_is_status_two(oid: str, run: Run, files: Path) -> None:
    done = verify(run, files, "--require-policy", oid)
    assert (done.status, done.error) == (2, "CONFIGURATION")
