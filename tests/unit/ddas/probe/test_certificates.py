from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.ddas.probe import Material, credentials
from nlgov_jades.errors import CertificatePathError, ConfigurationError
from nlgov_jades.pki.identity import common_name, oin_of
from nlgov_jades.testing import CaKeys, Hierarchy, Issued, save_hierarchy, save_signer
from nlgov_jades.testing.hierarchy import pem

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


@pytest.fixture
def pki(hierarchy: Hierarchy, tmp_path: Path) -> Path:
    save_hierarchy(hierarchy, tmp_path, ca_keys=CaKeys.KEPT)
    return tmp_path


def test_with_the_ca_keys_all_of_them_are_made(issued: Issued, pki: Path) -> None:
    made = credentials(issued.credential, at=NOW, pki=pki)
    assert set(made.others) == set(Material)
    expired, revoked, other = (made.others[material].chain[0] for material in Material)
    assert NOW - dt.timedelta(minutes=2) < expired.not_valid_after_utc < NOW
    assert revoked.not_valid_after_utc > NOW
    assert oin_of(expired) == oin_of(revoked) == oin_of(issued.certificate) != oin_of(other)
    (entry,) = json.loads((pki / "revoked.json").read_text())["revoked"]
    assert int(entry["serial"], 16) == revoked.serial_number
    assert entry["at"] == "2026-06-15T11:59:00Z"


def test_the_foreign_one_has_the_same_name_and_another_root(issued: Issued) -> None:
    made = credentials(issued.credential, at=NOW)
    foreign = made.foreign.chain[0]
    assert (oin_of(foreign), common_name(foreign)) == (oin_of(issued.certificate), common_name(issued.certificate))
    assert made.foreign.chain[-1].public_key() != issued.chain[-1].public_key()
    assert dict(made.others) == {}


def test_the_foreign_one_differs_in_keys_alone(issued: Issued, verifier: Verifier) -> None:
    made = credentials(issued.credential, at=NOW)
    assert len(made.foreign.chain) == len(issued.chain)
    for good, copy in zip(issued.chain, made.foreign.chain, strict=True):
        assert (copy.subject, copy.issuer, copy.serial_number) == (good.subject, good.issuer, good.serial_number)
        assert (copy.not_valid_before_utc, copy.not_valid_after_utc) == (
            good.not_valid_before_utc,
            good.not_valid_after_utc,
        )
        assert list(copy.extensions) == list(good.extensions)
        assert copy.public_key() != good.public_key()
        assert len(copy.public_bytes(Encoding.DER)) == len(good.public_bytes(Encoding.DER))
    request = HttpRequest(method="POST", target="/", fields=[("Content-Type", "application/json")], body=b"{}")
    for send in ("leaf", "no-root"):
        signer = Signer(made.foreign, profile=profiles.DDAS, clock=lambda: NOW, send_chain=send)
        with pytest.raises(CertificatePathError):
            verifier.verify(request.with_fields(signer.sign(request)))


def test_of_a_part_of_the_chain_a_copy_is_made_too(issued: Issued) -> None:
    for length in (1, 2):
        part = SigningCredential.from_pem(issued.key_pem(), pem(issued.chain[:length]))
        foreign = credentials(part, at=NOW).foreign
        assert [one.subject for one in foreign.chain] == [one.subject for one in issued.chain[:length]]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("00000001002220647000", "00000001002220657000"),
        ("00000003123456790000", "00000003123456700000"),
        (None, "00000099000000001000"),
    ],
)
def test_the_other_oin_is_none_that_only_tests_have(
    hierarchy: Hierarchy, pki: Path, own: str | None, other: str
) -> None:
    made = credentials(hierarchy.tsp.issue(oin=own, kvk="12345678").credential, at=NOW, pki=pki)
    assert str(oin_of(made.others[Material.OTHER_OIN].chain[0])) == other


def test_the_ca_keys_of_others_are_refused(issued: Issued, stranger: Hierarchy, tmp_path: Path) -> None:
    save_hierarchy(stranger, tmp_path, ca_keys=CaKeys.KEPT)
    with pytest.raises(ConfigurationError, match="not issued by the CAs"):
        credentials(issued.credential, at=NOW, pki=tmp_path)
    assert not (tmp_path / "revoked.json").exists()


def test_a_folder_without_ca_keys_is_refused(issued: Issued, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no CA keys"):
        credentials(issued.credential, at=NOW, pki=tmp_path)


def test_a_young_ca_issues_nothing_that_has_expired(tmp_path: Path) -> None:
    young = Hierarchy.new(not_before=NOW - dt.timedelta(minutes=2))
    save_hierarchy(young, tmp_path, ca_keys=CaKeys.KEPT)
    made = credentials(young.tsp.issue().credential, at=NOW, pki=tmp_path)
    assert set(made.others) == {Material.REVOKED, Material.OTHER_OIN}


def test_certificates_in_a_folder_go_before_those_that_are_made(
    hierarchy: Hierarchy, issued: Issued, pki: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("refused")
    own = hierarchy.tsp.issue()
    save_signer(own, folder, name="revoked", password=b"geheim")
    save_signer(hierarchy.tsp.issue(oin="00000099000000003000"), folder, name="other-oin")
    only = credentials(issued.credential, at=NOW, folder=folder, password=b"geheim")
    assert set(only.others) == {Material.REVOKED, Material.OTHER_OIN}
    both = credentials(issued.credential, at=NOW, folder=folder, pki=pki, password=b"geheim")
    assert set(both.others) == set(Material)
    assert both.others[Material.REVOKED].chain[0] == own.certificate
    assert not (pki / "revoked.json").exists()


def test_a_folder_with_none_of_them_or_half_of_one_is_refused(issued: Issued, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds none of"):
        credentials(issued.credential, at=NOW, folder=tmp_path)
    (tmp_path / "expired-chain.pem").write_bytes(issued.chain_pem)
    with pytest.raises(ConfigurationError, match="go together"):
        credentials(issued.credential, at=NOW, folder=tmp_path)
    (tmp_path / "expired-key.pem").write_bytes(b"no key")
    with pytest.raises(ConfigurationError, match=r"expired-chain\.pem and expired-key\.pem"):
        credentials(issued.credential, at=NOW, folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("expired", "has not expired"), ("other-oin", "has the OIN of the good signer")],
)
def test_a_certificate_that_is_not_what_its_name_says_is_refused(
    issued: Issued, tmp_path: Path, name: str, words: str
) -> None:
    save_signer(issued, tmp_path, name=name)
    with pytest.raises(ConfigurationError, match=words):
        credentials(issued.credential, at=NOW, folder=tmp_path)


@pytest.mark.parametrize("name", ["revoked", "other-oin"])
def test_a_certificate_that_would_be_refused_for_its_age_proves_nothing(
    hierarchy: Hierarchy, issued: Issued, tmp_path: Path, name: str
) -> None:
    old = hierarchy.tsp.issue(not_after=NOW - dt.timedelta(days=1), oin="00000099000000001000")
    save_signer(old, tmp_path, name=name)
    with pytest.raises(ConfigurationError, match="is not valid now"):
        credentials(issued.credential, at=NOW, folder=tmp_path)
