"""`nlgov-jades verify`: the time to judge for, and revocation."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import Authority

from .command import Argument, Done, Run, trusting


def verify(run: Run, files: Path, *options: Argument) -> Done:
    return run("verify", files / "signed.http", *trusting(files), *options, "--json")


# --- time ----------------------------------------------------------------------------------------------------


def stamp(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def middle(signer: Issued) -> dt.datetime:
    """A time at which everything is valid, later than the signatures."""
    return signer.certificate.not_valid_after_utc - dt.timedelta(days=30)


def test_an_offset_names_the_same_moment_as_utc(run: Run, files: Path, middle: dt.datetime) -> None:
    zone = dt.timezone(dt.timedelta(hours=5, minutes=30))
    said = verify(run, files, "--at", middle.astimezone(zone).isoformat()).json
    assert said["verified_at"] == stamp(middle)


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dt%H:%M:%Sz", "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.5Z", "%Y-%m-%dT%H:%M:%S-00:00"]
)
def test_the_other_spellings_of_rfc_3339_are_read(form: str, run: Run, files: Path, middle: dt.datetime) -> None:
    assert verify(run, files, "--at", middle.strftime(form)).json["verified_at"] == stamp(middle)


@pytest.mark.parametrize(
    "time",
    [
        "",
        "now",
        "1767225600",
        "2026-06-15",
        "2026-06-15T12:00Z",
        "2026-06-15T12:00:00",
        "2026-06-15T12:00:00 Z",
        "2026-06-15T12:00:00Zulu",
        "2026-06-15T12:00:00+0200",
        "2026-06-15T12:00:00+02",
        "2026-6-15T12:00:00Z",
        "20260615T120000Z",
        "2026-W25-1T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-06-15T25:00:00Z",
        "2026-06-15T12:60:00Z",
        "2026-06-15T12:00:60Z",
        "2026-06-15T12:00:00+24:00",
        "2026-06-15T12:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "10000-01-01T00:00:00Z",
        "202\N{ARABIC-INDIC DIGIT SIX}-06-15T12:00:00Z",
        "2026-06-15T12:00:00Z\n",
        "\x1b[31m",
    ],
)
def test_what_is_no_rfc_3339_time_is_status_two(time: str, run: Run, files: Path) -> None:
    done = verify(run, files, "--at", time)
    assert (done.status, done.error) == (2, "USAGE")
    assert "--at" in done.detail


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("9999-12-31T23:59:59Z", "CERTIFICATE_EXPIRED"),
        ("2200-01-01T00:00:00Z", "CERTIFICATE_EXPIRED"),
        ("1969-12-31T23:59:59Z", "SIGNING_TIME"),
        ("0001-01-01T00:00:00Z", "SIGNING_TIME"),
    ],
)
def test_a_time_outside_the_validity_is_status_one(time: str, code: str, run: Run, files: Path) -> None:
    done = verify(run, files, "--at", time)
    assert (done.status, done.error) == (1, code)


def test_a_message_that_is_older_than_allowed_is_refused(run: Run, files: Path, middle: dt.datetime) -> None:
    done = verify(run, files, "--at", stamp(middle), "--max-age", "3600")
    assert (done.status, done.error) == (1, "SIGNING_TIME")


def test_a_message_that_is_young_enough_is_accepted(run: Run, files: Path, middle: dt.datetime) -> None:
    assert verify(run, files, "--at", stamp(middle), "--max-age", str(400 * 86400)).status == 0


@pytest.mark.parametrize("age", ["-1", "x", "1.5", "", "1e3", "99999999999999999999"])
def test_an_age_of_another_form_is_status_two(age: str, run: Run, files: Path) -> None:
    assert verify(run, files, "--max-age", age).error == "USAGE"


# --- revocation ----------------------------------------------------------------------------------------------


def crl(authority: Authority, *revoked: Issued) -> bytes:
    """A CRL of today."""
    start = authority.certificate.not_valid_before_utc
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(start)
        .next_update(authority.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    for issued in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(issued.certificate.serial_number).revocation_date(start)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, SHA256()).public_bytes(Encoding.PEM)


def crls(today: Hierarchy, folder: Path, *revoked: Issued) -> list[Argument]:
    words: list[Argument] = []
    for name, authority in (("root", today.root), ("domain", today.domain), ("tsp", today.tsp)):
        (folder / f"{name}.crl").write_bytes(crl(authority, *(revoked if authority is today.tsp else ())))
        words += ["--crl", folder / f"{name}.crl"]
    return words


def hard(run: Run, files: Path, *options: Argument) -> Done:
    return run("verify", files / "signed.http", "--trust", files / "root.pem", *options, "--json")


def test_without_an_answer_about_revocation_the_message_is_refused_and_the_options_are_named(
    run: Run, files: Path
) -> None:
    done = hard(run, files)
    assert (done.status, done.error) == (1, "REVOCATION_UNKNOWN")
    assert "--revocation off" in done.detail


def test_soft_accepts_without_an_answer_and_says_unchecked(run: Run, files: Path) -> None:
    done = hard(run, files, "--revocation", "soft")
    assert (done.status, {entry["status"] for entry in done.json["revocation"]}) == (0, {"unchecked"})


def test_crls_answer_the_question(run: Run, files: Path, today: Hierarchy, tmp_path: Path) -> None:
    done = hard(run, files, *crls(today, tmp_path))
    assert done.status == 0
    assert {(entry["source"], entry["status"]) for entry in done.json["revocation"]} == {("crl", "good")}
    times = [entry[name] for entry in done.json["revocation"] for name in ("this_update", "next_update")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time) for time in times)


def test_a_revoked_certificate_is_refused(
    run: Run, files: Path, today: Hierarchy, signer: Issued, tmp_path: Path
) -> None:
    given = crls(today, tmp_path, signer)
    for mode in ("hard", "soft"):
        done = hard(run, files, *given, "--revocation", mode)
        assert (done.status, done.error) == (1, "CERTIFICATE_REVOKED")
