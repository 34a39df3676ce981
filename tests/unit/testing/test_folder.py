"""A hierarchy on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from nlgov_jades import SigningCredential
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import CaKeys, Hierarchy, Issued, load_hierarchy, save_hierarchy, save_signer

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def folder(tmp_path: Path, hierarchy: Hierarchy) -> Path:
    save_hierarchy(hierarchy, tmp_path, ca_keys=CaKeys.KEPT)
    return tmp_path


def test_without_ca_keys_only_certificates_are_written(tmp_path: Path, hierarchy: Hierarchy) -> None:
    assert save_hierarchy(hierarchy, tmp_path) == ("root.pem", "intermediates.pem")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["intermediates.pem", "root.pem"]
    with pytest.raises(ConfigurationError, match="holds no CA keys"):
        load_hierarchy(tmp_path)


def test_what_was_saved_is_loaded(folder: Path, hierarchy: Hierarchy) -> None:
    loaded = load_hierarchy(folder)
    for before, after in zip(hierarchy.authorities, loaded.authorities, strict=True):
        assert (after.chain, after.label, after.revocation_url) == (before.chain, before.label, before.revocation_url)
        assert after.key_pem() == before.key_pem()


def test_a_loaded_hierarchy_issues_what_the_saved_one_trusts(folder: Path, hierarchy: Hierarchy) -> None:
    leaf = load_hierarchy(folder).tsp.issue(key=KEY)
    leaf.certificate.verify_directly_issued_by(hierarchy.tsp.certificate)


def test_the_url_of_the_responder_survives(tmp_path: Path) -> None:
    pointing = Hierarchy.new(revocation_url="http://127.0.0.1:8888")
    save_hierarchy(pointing, tmp_path, ca_keys=CaKeys.KEPT)
    assert load_hierarchy(tmp_path).tsp.revocation_url == "http://127.0.0.1:8888"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_keys_are_readable_by_their_owner_only(folder: Path, issued: Issued) -> None:
    save_signer(issued, folder)
    assert stat.S_IMODE((folder / "ca").stat().st_mode) == 0o700
    for path in (*folder.glob("ca/*"), folder / "signer-key.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_signer_is_written_and_its_key_encrypted(tmp_path: Path, issued: Issued) -> None:
    assert save_signer(issued, tmp_path, password=b"geheim", name="cbs") == ("cbs-chain.pem", "cbs-key.pem")
    key, chain = (tmp_path / "cbs-key.pem").read_bytes(), (tmp_path / "cbs-chain.pem").read_bytes()
    SigningCredential.from_pem(key, chain, password=b"geheim")
    with pytest.raises(TypeError):
        load_pem_private_key(key, None)


def test_nothing_is_overwritten(folder: Path, hierarchy: Hierarchy, issued: Issued) -> None:
    save_signer(issued, folder)
    with pytest.raises(FileExistsError):
        save_hierarchy(hierarchy, folder)
    with pytest.raises(FileExistsError):
        save_signer(issued, folder)


@pytest.mark.parametrize("name", ["settings.json", "domain.pem", "domain-key.pem"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    (folder / "ca" / name).unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_hierarchy(folder)


@pytest.mark.parametrize("name", ["settings.json", "domain.pem", "domain-key.pem"])
def test_a_damaged_file_is_told(folder: Path, name: str) -> None:
    (folder / "ca" / name).write_bytes(b"-----BEGIN")
    with pytest.raises(ConfigurationError, match="is damaged"):
        load_hierarchy(folder)


def test_a_key_of_another_certificate_is_told(folder: Path) -> None:
    (folder / "ca" / "tsp-key.pem").write_bytes((folder / "ca" / "root-key.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="does not belong"):
        load_hierarchy(folder)


def test_a_key_of_another_kind_is_told(folder: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca" / "tsp-key.pem").write_bytes(pem)
    with pytest.raises(ConfigurationError, match="neither RSA nor elliptic"):
        load_hierarchy(folder)


def test_a_ca_of_another_hierarchy_is_told(folder: Path, stranger: Hierarchy) -> None:
    foreign = stranger.tsp
    (folder / "ca" / "tsp.pem").write_bytes(foreign.certificate.public_bytes(Encoding.PEM))
    (folder / "ca" / "tsp-key.pem").write_bytes(foreign.key_pem())
    with pytest.raises(ConfigurationError, match="is damaged"):
        load_hierarchy(folder)


def test_the_certificates_at_the_top_are_those_of_the_hierarchy(folder: Path, hierarchy: Hierarchy) -> None:
    assert x509.load_pem_x509_certificates((folder / "root.pem").read_bytes()) == [hierarchy.root.certificate]
