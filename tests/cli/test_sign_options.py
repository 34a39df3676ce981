"""Every option of `nlgov-jades sign`, and the keys and chains it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nlgov_jades import profiles
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import pem

from .command import Argument, Done, Run, process, protected_header, signing, trusting

FIELDS = {
    "adr-payload": "nlgov-adr-payload-sig",
    "adr-message": "nlgov-adr-message-sig",
    "logius-payload": "Payload-Signature",
    "logius-message": "Message-Signature",
    "ddas": "nlgov-adr-payload-sig",
    "ddas-body": "nlgov-adr-payload-sig",
}


def header_of(message: Path) -> dict[str, Any]:
    return protected_header(message.read_bytes())


def sign(run: Run, files: Path, out: Path, *options: Argument) -> Done:
    return run("sign", files / "request.http", "-o", out, *signing(files), *options, "--json")


# --- the result ----------------------------------------------------------------------------------------------


def test_every_other_octet_is_kept(run: Run, files: Path, tmp_path: Path) -> None:
    sign(run, files, tmp_path / "out")
    before, after = (files / "request.http").read_bytes(), (tmp_path / "out").read_bytes()
    head, _, rest = before.partition(b"\r\n\r\n")
    assert after.startswith(head + b"\r\nDigest: SHA-256=")
    assert after.endswith(b"\r\n\r\n" + rest)
    assert after.count(b"\r\n") == before.count(b"\r\n") + 2


def test_the_json_says_what_was_added_and_where(run: Run, files: Path, tmp_path: Path) -> None:
    value = sign(run, files, tmp_path / "out").json
    header = header_of(tmp_path / "out")
    assert header["alg"] == "PS256"
    assert (value["ok"], value["profile"], value["field"]) == (True, "adr-payload", "nlgov-adr-payload-sig")
    assert value["added"] == ["Digest", "nlgov-adr-payload-sig"]
    assert value["output"] == str(tmp_path / "out")


def test_an_equal_digest_is_kept_and_not_added_again(run: Run, files: Path, tmp_path: Path) -> None:
    sign(run, files, tmp_path / "once")
    lines = (tmp_path / "once").read_bytes().split(b"\r\n")
    (tmp_path / "digest.http").write_bytes(b"\r\n".join(line for line in lines if not line.startswith(b"nlgov-")))
    value = run("sign", tmp_path / "digest.http", "-o", tmp_path / "out", *signing(files), "--json").json
    assert value["added"] == ["nlgov-adr-payload-sig"]
    assert run("verify", tmp_path / "out", *trusting(files)).status == 0


def test_a_message_that_is_signed_is_not_signed_again(run: Run, files: Path, tmp_path: Path) -> None:
    done = run("sign", files / "signed.http", "-o", tmp_path / "out", *signing(files), "--json")
    assert (done.status, done.error) == (2, "MESSAGE_NOT_SIGNABLE")
    assert not (tmp_path / "out").exists()


def test_a_message_with_another_digest_is_not_signed(run: Run, files: Path, tmp_path: Path) -> None:
    other = (files / "request.http").read_bytes().replace(b"Host:", b"Digest: SHA-256=" + b"A" * 43 + b"=\r\nHost:")
    (tmp_path / "in").write_bytes(other)
    done = run("sign", tmp_path / "in", "-o", tmp_path / "out", *signing(files), "--json")
    assert (done.status, done.error) == (2, "MESSAGE_NOT_SIGNABLE")


def test_a_file_that_was_there_is_replaced(run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"x" * 100_000)
    sign(run, files, tmp_path / "out")
    assert run("verify", tmp_path / "out", *trusting(files)).status == 0


def test_a_message_may_be_signed_in_its_own_place(run: Run, files: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.http"
    message.write_bytes((files / "request.http").read_bytes())
    assert run("sign", message, "-o", message, *signing(files)).status == 0
    assert run("verify", message, *trusting(files)).status == 0


# --- options -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", sorted(FIELDS))
def test_each_profile_signs_what_the_same_profile_verifies(profile: str, run: Run, files: Path, tmp_path: Path) -> None:
    value = sign(run, files, tmp_path / "out", "--profile", profile).json
    assert value["field"] == FIELDS[profile]
    seen = run("verify", tmp_path / "out", *trusting(files), "--profile", profile, "--json").json
    assert (seen["valid"], seen["profile"]) == (True, profile)


def test_the_profiles_are_those_of_the_library(run: Run) -> None:
    text = "".join(run("sign", "--help").text.split())
    assert all(name in text for name in profiles.BY_ID)


def test_the_key_identifier_is_the_given_one(run: Run, files: Path, tmp_path: Path) -> None:
    sign(run, files, tmp_path / "out", "--kid", "sleutel-ü-1")
    assert header_of(tmp_path / "out")["kid"] == "sleutel-ü-1"


def test_an_empty_key_identifier_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    done = sign(run, files, tmp_path / "out", "--kid", "")
    assert (done.status, done.error) == (2, "CONFIGURATION")


@pytest.mark.parametrize(("choice", "length"), [("no-root", 3), ("issuer", 2), ("leaf", 1), ("full", 4)])
def test_the_chain_that_is_sent_is_the_chosen_one(
    choice: str, length: int, run: Run, files: Path, tmp_path: Path
) -> None:
    sign(run, files, tmp_path / "out", "--send-chain", choice)
    assert len(header_of(tmp_path / "out")["x5c"]) == length
    seen = run("verify", tmp_path / "out", *trusting(files), "--intermediates", files / "cas.pem")
    assert seen.status == 0


def test_the_minimal_header_form_has_no_signing_time(run: Run, files: Path, tmp_path: Path) -> None:
    sign(run, files, tmp_path / "out", "--header-form", "profile-only", "--profile", "ddas")
    assert "iat" not in header_of(tmp_path / "out")
    seen = run("verify", tmp_path / "out", *trusting(files), "--json").json
    assert (seen["valid"], seen["signing_time"]) == (True, None)


def test_a_field_over_the_given_length_is_refused_and_nothing_is_written(run: Run, files: Path, tmp_path: Path) -> None:
    done = sign(run, files, tmp_path / "out", "--max-field-length", "3000")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert "--send-chain" in done.detail or "shorter chain" in done.detail
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("length", ["0", "-1", "32769", "x"])
def test_a_field_length_that_makes_no_sense_is_refused(length: str, run: Run, files: Path, tmp_path: Path) -> None:
    assert sign(run, files, tmp_path / "out", "--max-field-length", length).error == "USAGE"


def test_an_answer_is_signed_over_the_request_that_it_answers(run: Run, files: Path, tmp_path: Path) -> None:
    options = ("--profile", "adr-message", "--request", files / "request.http")
    done = run("sign", files / "response.http", "-o", tmp_path / "out", *signing(files), *options)
    assert done.status == 0
    assert run("verify", tmp_path / "out", *trusting(files), *options).status == 0


def test_an_answer_signed_over_one_request_is_refused_for_another(run: Run, files: Path, tmp_path: Path) -> None:
    profile = ("--profile", "adr-message")
    answered = ("--request", files / "request.http")
    run("sign", files / "response.http", "-o", tmp_path / "out", *signing(files), *profile, *answered)
    (tmp_path / "other").write_bytes((files / "request.http").read_bytes().replace(b"?a=1", b"?a=2"))
    done = run("verify", tmp_path / "out", *trusting(files), *profile, "--request", tmp_path / "other", "--json")
    assert (done.status, done.error) == (1, "INVALID_SIGNATURE")


def test_the_message_profile_needs_the_request_for_an_answer(run: Run, files: Path, tmp_path: Path) -> None:
    done = run(
        "sign", files / "response.http", "-o", tmp_path / "o", *signing(files), "--profile", "adr-message", "--json"
    )
    assert (done.status, done.error) == (2, "CONFIGURATION")


# --- keys and chains -----------------------------------------------------------------------------------------


def with_key(run: Run, files: Path, out: Path, *options: Argument) -> Done:
    return run("sign", files / "request.http", "-o", out, *options, "--json")


def test_an_encrypted_key_signs_with_its_password(run: Run, files: Path, tmp_path: Path) -> None:
    options = ("--key", files / "locked.pem", "--chain", files / "chain.pem", "--password-file", files / "password")
    assert with_key(run, files, tmp_path / "out", *options).status == 0
    assert run("verify", tmp_path / "out", *trusting(files)).status == 0


def test_a_pkcs12_file_brings_its_own_chain(run: Run, files: Path, tmp_path: Path) -> None:
    options = ("--key", files / "key.p12", "--password-file", files / "password")
    assert with_key(run, files, tmp_path / "out", *options).status == 0
    assert run("verify", tmp_path / "out", *trusting(files)).status == 0


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\nsecond line\n"])
def test_the_password_is_the_first_line_of_its_file(end: bytes, run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes((files / "password").read_bytes().rstrip() + end)
    options = ("--key", files / "key.p12", "--password-file", tmp_path / "password")
    assert with_key(run, files, tmp_path / "out", *options).status == 0


def test_certificates_may_be_in_any_order(
    run: Run, files: Path, today: Hierarchy, signer: Issued, tmp_path: Path
) -> None:
    (tmp_path / "chain.pem").write_bytes(pem([today.root.certificate, signer.certificate]) + today.intermediates_pem)
    assert (
        with_key(run, files, tmp_path / "out", "--key", files / "key.pem", "--chain", tmp_path / "chain.pem").status
        == 0
    )


def test_a_chain_of_one_der_certificate_is_read(run: Run, files: Path, signer: Issued, tmp_path: Path) -> None:
    (tmp_path / "leaf.der").write_bytes(signer.certificate.public_bytes(Encoding.DER))
    assert (
        with_key(run, files, tmp_path / "out", "--key", files / "key.pem", "--chain", tmp_path / "leaf.der").status == 0
    )
    assert len(header_of(tmp_path / "out")["x5c"]) == 1


def test_key_and_chain_may_be_one_file(run: Run, files: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes((files / "key.pem").read_bytes() + (files / "chain.pem").read_bytes())
    assert with_key(run, files, tmp_path / "out", "--key", both, "--chain", both).status == 0


def test_a_p256_key_signs_for_oots(run: Run, files: Path, today: Hierarchy, tmp_path: Path) -> None:
    issued = today.tsp.issue(key=ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "key.pem").write_bytes(issued.key_pem())
    (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
    options = ("--profile", "oots-response", "--request", files / "request.http")
    made = run("sign", files / "response.http", "-o", tmp_path / "out", *signing(tmp_path), *options)
    assert made.status == 0
    seen = run("verify", tmp_path / "out", *trusting(files), "--profile", "oots-response", "--json")
    assert (seen.status, seen.json["algorithm"]) == (0, "ES256")


def test_an_rsa_key_does_not_sign_for_oots(run: Run, files: Path, tmp_path: Path) -> None:
    done = sign(run, files, tmp_path / "out", "--profile", "oots-response")
    assert (done.status, done.error) == (2, "CONFIGURATION")


def test_a_pem_key_without_chain_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    done = with_key(run, files, tmp_path / "out", "--key", files / "key.pem")
    assert (done.status, done.error) == (2, "USAGE")
    assert "--chain" in done.detail


def test_a_pkcs12_file_with_a_chain_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    options = ("--key", files / "key.p12", "--chain", files / "chain.pem", "--password-file", files / "password")
    assert with_key(run, files, tmp_path / "out", *options).error == "USAGE"


def test_a_der_key_is_refused_with_a_word_about_the_forms_that_are_read(
    run: Run, files: Path, signer: Issued, tmp_path: Path
) -> None:
    (tmp_path / "key.der").write_bytes(signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    done = with_key(run, files, tmp_path / "out", "--key", tmp_path / "key.der", "--chain", files / "chain.pem")
    assert done.status == 2
    assert "PEM" in done.detail


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("locked.pem", ("--chain", "chain.pem")),
        ("locked.pem", ("--chain", "chain.pem", "--password-file", "other-password")),
        ("key.pem", ("--chain", "chain.pem", "--password-file", "password")),
        ("key.p12", ()),
        ("key.p12", ("--password-file", "other-password")),
        ("key.pem", ("--chain", "root.pem")),
        ("key.pem", ("--chain", "cas.pem")),
        ("chain.pem", ("--chain", "chain.pem")),
    ],
    ids=[
        "encrypted without password",
        "encrypted with another password",
        "plain with a password",
        "PKCS#12 without password",
        "PKCS#12 with another password",
        "chain of someone else",
        "chain without the leaf",
        "certificates for a key",
    ],
)
def test_a_key_that_cannot_be_used_is_status_two_and_nothing_is_written(
    key: str, options: tuple[str, ...], run: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "other-password").write_bytes(b"fout\n")
    for name in ("chain.pem", "root.pem", "cas.pem", "password"):
        (tmp_path / name).write_bytes((files / name).read_bytes())
    words = [word if word.startswith("--") else tmp_path / word for word in options]
    done = with_key(run, files, tmp_path / "out", "--key", files / key, *words)
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert not (tmp_path / "out").exists()


def test_a_password_file_without_a_password_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\ngeheim\n")
    options = ("--key", files / "key.p12", "--password-file", tmp_path / "password")
    assert with_key(run, files, tmp_path / "out", *options).error == "UNREADABLE_INPUT"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_password_file_in_utf_16_is_refused_and_the_password_is_not_shown(
    encoding: str, files: Path, tmp_path: Path
) -> None:
    # A process, for the parser of PKCS#12 writes to the descriptor of standard error: the octets, as numbers.
    (tmp_path / "password").write_bytes("geheim\r\n".encode(encoding))
    options = ("--key", files / "key.p12", "--password-file", tmp_path / "password")
    done = process("sign", files / "request.http", "-o", tmp_path / "out", *options, "--json")
    assert done.status == 2
    assert ", ".join(str(octet) for octet in "heim".encode(encoding)[-8:]) not in done.text
    assert "panicked" not in done.text
