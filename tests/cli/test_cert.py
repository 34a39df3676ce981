"""`cert check`: what a certificate is, whether its path and revocation hold, what it is fit for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades.testing import Hierarchy, Issued, make_crl
from nlgov_jades.testing.hierarchy import pem

from .command import Argument, Run

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
ARC = "2.16.528.1.1003.1.2."

Check = Callable[..., Any]


@pytest.fixture(scope="module")
def crls(today: Hierarchy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Argument, ...]:
    """Options that give a fresh CRL of each CA."""
    folder = tmp_path_factory.mktemp("crls")
    options: list[Argument] = []
    for number, authority in enumerate((today.root, today.domain, today.tsp)):
        (folder / f"{number}.crl").write_bytes(make_crl(authority, this_update=NOW - dt.timedelta(minutes=5)))
        options += ["--crl", folder / f"{number}.crl"]
    return tuple(options)


@pytest.fixture
def check(run: Run, files: Path, tmp_path: Path, crls: tuple[Argument, ...]) -> Check:
    """Check a certificate with the root and the CRLs, and return what was done."""

    def checked(issued: Issued, *options: Argument, revocation: tuple[Argument, ...] = crls) -> Any:
        (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
        return run(
            "cert", "check", tmp_path / "chain.pem", "--trust", files / "root.pem", *revocation, *options, "--json"
        )

    return checked


def test_a_certificate_for_signing_is_fit_for_signing_and_not_for_tls(check: Check, signer: Issued) -> None:
    done = check(signer)
    assert (done.status, done.json["ok"], done.json["error"]) == (0, True, None)
    assert done.json["fit"]["ddas_signing"] == {"fit": True, "obstacles": []}
    assert done.json["fit"]["digikoppeling_tls"]["fit"] is False
    certificate = done.json["certificate"]
    assert (certificate["oin"], certificate["kvk"]) == ("00000001002220647000", "12345678")
    assert certificate["policies"] == [f"{ARC}8.4 (private services: authenticity (G1))"]
    assert certificate["key_usage"] == ["digitalSignature"]
    assert len(done.json["path"]) == 4


def test_a_certificate_for_tls_has_a_path_and_is_not_fit_for_signing(check: Check, today: Hierarchy) -> None:
    tls = today.tsp.issue(
        usages=("digital_signature", "key_encipherment"),
        extended_key_usages=("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"),
        policies=(ARC + "8.6",),
    )
    done = check(tls)
    assert done.status == 0
    assert done.json["fit"]["digikoppeling_tls"] == {"fit": True, "obstacles": []}
    assert any("TLS servers" in words for words in done.json["fit"]["ddas_signing"]["obstacles"])


def test_a_trial_certificate_with_a_test_number_says_so(check: Check, today: Hierarchy) -> None:
    done = check(today.tsp.issue(oin="00000099000000001000", policies=(ARC + "41.16.25.4",)))
    assert (done.json["trial"], done.json["test_number"]) == (True, True)
    assert {"TRIAL" in words or "test number" in words for words in done.json["fit"]["ddas_signing"]["obstacles"]} >= {
        True
    }


def test_an_unanswered_question_about_revocation_is_not_a_yes(check: Check, signer: Issued) -> None:
    done = check(signer, revocation=())
    assert (done.status, done.json["ok"], done.error) == (1, False, "REVOCATION_UNKNOWN")


def test_a_revoked_certificate_is_a_no(check: Check, today: Hierarchy, signer: Issued, tmp_path: Path) -> None:
    revoking = make_crl(today.tsp, [signer.certificate], this_update=NOW - dt.timedelta(minutes=5))
    (tmp_path / "revoking.crl").write_bytes(revoking)
    done = check(signer, "--crl", tmp_path / "revoking.crl")
    assert (done.status, done.error, done.json["revocation"]) == (1, "CERTIFICATE_REVOKED", "revoked")


def test_a_certificate_under_another_root_has_no_path(run: Run, files: Path) -> None:
    done = run("cert", "check", files / "chain.pem", "--trust", files / "foreign-root.pem", "--json")
    assert (done.status, done.error, done.json["path"]) == (1, "CERTIFICATE_PATH", [])


def test_an_expired_certificate_is_a_no_and_still_told(check: Check, today: Hierarchy) -> None:
    start = today.root.certificate.not_valid_before_utc
    done = check(today.tsp.issue(not_before=start, not_after=start + dt.timedelta(minutes=1)))
    assert (done.status, done.error) == (1, "CERTIFICATE_EXPIRED")
    assert done.json["certificate"]["common_name"] == "gegevens.gemeente.example"


def test_a_leaf_alone_needs_the_intermediates(run: Run, files: Path, crls: tuple[Argument, ...]) -> None:
    alone = ("cert", "check", files / "leaf.pem", "--trust", files / "root.pem", *crls)
    assert run(*alone, "--json").error == "CERTIFICATE_PATH"
    assert run(*alone, "--intermediates", files / "cas.pem").status == 0


def test_people_read_the_same(run: Run, files: Path, crls: tuple[Argument, ...]) -> None:
    text = run("cert", "check", files / "chain.pem", "--trust", files / "root.pem", *crls).text
    assert "the path holds and nothing on it is revoked" in text
    assert "fit for signing DDAS messages" in text
    assert "not fit for TLS on Digikoppeling" in text


def test_what_is_no_certificate_is_status_two(run: Run, files: Path, tmp_path: Path, signer: Issued) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut.pem").write_bytes(pem([signer.certificate])[:300])
    for file in ("empty", "cut.pem", "absent"):
        done = run("cert", "check", tmp_path / file, "--trust", files / "root.pem", "--json")
        assert (done.status, done.error) == (2, "UNREADABLE_INPUT")


@pytest.mark.parametrize("option", ["--crl", "--ocsp"])
def test_revocation_data_that_are_none_are_status_two(run: Run, files: Path, option: str) -> None:
    done = run(
        "cert", "check", files / "chain.pem", "--trust", files / "root.pem", option, files / "root.pem", "--json"
    )
    assert (done.status, done.error) in {(2, "CONFIGURATION"), (2, "UNREADABLE_INPUT")}
