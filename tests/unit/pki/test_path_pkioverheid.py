"""Certification paths over real PKIoverheid certificates. The folder with them is not part of the project."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography import x509

from nlgov_jades import CertificateRequirements, TrustStore
from nlgov_jades.errors import CertificateExpiredError, CertificatePathError, VerificationError
from nlgov_jades.pki.certificate import load_pem_bundle
from nlgov_jades.pki.path import build_path, find_path
from nlgov_jades.pki.requirements import check_authorities, check_keys
from nlgov_jades.profiles import SignatureAlgorithm

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
Read = Callable[[str], x509.Certificate]

G1 = ("QuoVadis_PKIoverheid_Private_Services_CA_G1", "Staat_der_Nederlanden_Private_Services_CA_G1")
G1_ROOT = "Staat_der_Nederlanden_Private_Root_CA_G1"
G4 = ("KPN_G4_PKIo_Priv_G_TLS_SYS_2025", "Staat_der_Nederlanden_G4_Intm_Priv_G_TLS_SYS_2024")
G4_ROOT = "Staat_der_Nederlanden_G4_Root_Priv_G_TLS_2024"
G3_ROOT, FAKE = "Staat_der_Nederlanden_Root_CA_G3", "FAKE-Staat_der_Nederlanden_Root_CA_G3"

HIERARCHIES = pytest.mark.parametrize(("below", "root"), [(G1, G1_ROOT), (G4, G4_ROOT)], ids=["G1", "G4"])


@pytest.fixture(scope="module")
def read(data: Path) -> Read:
    def certificate(name: str) -> x509.Certificate:
        (file,) = (data / "pkioverheid").glob(f"{name}.*.pem")
        (only,) = load_pem_bundle(file.read_bytes(), name)
        return only

    return certificate


def in_force(certificates: tuple[x509.Certificate, ...]) -> dt.datetime:
    """A day on which all of them are valid."""
    start = max(certificate.not_valid_before_utc for certificate in certificates) + dt.timedelta(days=1)
    assert start < min(certificate.not_valid_after_utc for certificate in certificates)
    return start


@HIERARCHIES
def test_a_real_hierarchy_leads_to_its_root(read: Read, below: tuple[str, str], root: str) -> None:
    tsp, domain, anchor = (read(name) for name in (*below, root))
    found = find_path(tsp, [domain], trust=TrustStore([anchor]), at=in_force((tsp, domain, anchor)))
    assert found == (tsp, domain, anchor)
    check_keys(found, SignatureAlgorithm.PS256)
    check_authorities(found)


@HIERARCHIES
def test_a_configured_intermediate_completes_a_real_hierarchy(read: Read, below: tuple[str, str], root: str) -> None:
    chain = tuple(read(name) for name in (*below, root))
    assert find_path(chain[0], (), trust=TrustStore(chain[2:], chain[1:2]), at=in_force(chain)) == chain


@HIERARCHIES
def test_a_real_ca_does_not_sign_messages(refused: Refused, read: Read, below: tuple[str, str], root: str) -> None:
    chain = tuple(read(name) for name in (*below, root))
    with refused(CertificatePathError, "is that of a CA, which does not sign messages"):
        build_path(
            chain[0],
            chain[1:2],
            trust=TrustStore(chain[2:]),
            requirements=CertificateRequirements.GENERIC,
            algorithm=SignatureAlgorithm.PS256,
            at=in_force(chain),
        )


@HIERARCHIES
def test_the_root_of_another_generation_is_none(
    refused: Refused, read: Read, below: tuple[str, str], root: str
) -> None:
    tsp, domain, own = (read(name) for name in (*below, root))
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        find_path(tsp, [domain, own], trust=TrustStore([read(G3_ROOT)]), at=in_force((tsp, domain, own)))


@HIERARCHIES
def test_a_real_hierarchy_expires(refused: Refused, read: Read, below: tuple[str, str], root: str) -> None:
    tsp, domain, anchor = (read(name) for name in (*below, root))
    first = min(certificate.not_valid_after_utc for certificate in (tsp, domain, anchor))
    with refused(CertificateExpiredError, " expired on "):
        find_path(tsp, [domain], trust=TrustStore([anchor]), at=first + dt.timedelta(days=1))


def test_the_look_alike_of_root_g3_has_its_names_and_not_its_trust(refused: Refused, read: Read) -> None:
    real, fake = read(G3_ROOT), read(FAKE)
    # To people they are the same.
    assert set(fake.subject) == set(real.subject)
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        find_path(fake, [fake, real], trust=TrustStore([real]), at=in_force((real, fake)))
