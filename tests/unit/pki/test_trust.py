"""Trust anchors come from configuration, are CAs, and are told apart by what they are and not by their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades import TrustStore
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki import trust as trust_module
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import pem


def test_anchors_and_intermediates_are_kept_in_order_and_once(hierarchy: Hierarchy, stranger: Hierarchy) -> None:
    anchors = [hierarchy.root.certificate, stranger.root.certificate]
    intermediates = [hierarchy.tsp.certificate, hierarchy.domain.certificate]
    store = TrustStore(iter(anchors + anchors), iter(intermediates * 2))
    assert store.anchors == tuple(anchors)
    assert store.intermediates == tuple(intermediates)
    assert repr(store) == "<TrustStore: 2 anchors, 2 intermediates>"


def test_pem_gives_the_same_store(hierarchy: Hierarchy) -> None:
    store = TrustStore.from_pem(hierarchy.root_pem, intermediates=hierarchy.intermediates_pem)
    assert store.anchors == (hierarchy.root.certificate,)
    assert store.intermediates == (hierarchy.tsp.certificate, hierarchy.domain.certificate)
    assert TrustStore.from_pem(hierarchy.root_pem).intermediates == ()


def test_an_anchor_need_not_be_self_signed(hierarchy: Hierarchy) -> None:
    assert TrustStore([hierarchy.domain.certificate]).anchors == (hierarchy.domain.certificate,)


def test_without_an_anchor_there_is_no_store(hierarchy: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="at least one trust anchor"):
        TrustStore([], [hierarchy.domain.certificate])
    with pytest.raises(ConfigurationError, match="at least one trust anchor"):
        TrustStore(iter(()))


def test_a_leaf_is_neither_anchor_nor_intermediate(hierarchy: Hierarchy, issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match="is no CA certificate and cannot be a trust anchor"):
        TrustStore([hierarchy.root.certificate, issued.certificate])
    with pytest.raises(ConfigurationError, match=r"is no CA certificate and cannot be an? intermediate"):
        TrustStore([hierarchy.root.certificate], [issued.certificate])


def test_a_leaf_that_signed_itself_is_no_anchor(leaf_key: rsa.RSAPrivateKey, hierarchy: Hierarchy) -> None:
    leaf = hierarchy.tsp.issue(key=leaf_key).certificate
    builder = x509.CertificateBuilder(
        leaf.subject, leaf.subject, leaf_key.public_key(), 1, leaf.not_valid_before_utc, leaf.not_valid_after_utc
    )
    for certificate in (
        builder.sign(leaf_key, SHA256()),
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).sign(
            leaf_key, SHA256()
        ),
    ):
        with pytest.raises(ConfigurationError, match="is no CA certificate"):
            TrustStore([certificate])


def test_a_root_of_version_1_does_not_say_that_it_is_a_ca(hierarchy: Hierarchy, reissue: Callable[..., bytes]) -> None:
    def edit(certificate: Any) -> None:
        del certificate["tbs_certificate"]["extensions"]
        certificate["tbs_certificate"]["version"] = "v1"

    root = x509.load_der_x509_certificate(reissue(hierarchy.root, hierarchy.root, edit))
    assert root.version is x509.Version.v1
    with pytest.raises(ConfigurationError, match="is no CA certificate"):
        TrustStore([root])


def test_a_certificate_whose_extensions_cannot_be_read_is_no_anchor(
    hierarchy: Hierarchy, reissue: Callable[..., bytes]
) -> None:
    # It did not come through load_pem_bundle, so that nothing has read it yet.
    def edit(certificate: Any) -> None:
        extensions = certificate["tbs_certificate"]["extensions"]
        extensions.append(extensions[0].copy())

    root = x509.load_der_x509_certificate(reissue(hierarchy.root, hierarchy.root, edit))
    with pytest.raises(ConfigurationError):
        TrustStore([root])


@pytest.mark.parametrize("anchors", [["certificate"], [None], [b"der"], "pem", b"pem", None, 5], ids=repr)
def test_what_is_no_certificate_is_refused(hierarchy: Hierarchy, anchors: Any) -> None:
    with pytest.raises(ConfigurationError):
        TrustStore(anchors)
    if anchors is not None:
        with pytest.raises(ConfigurationError):
            TrustStore([hierarchy.root.certificate], anchors)


def test_one_certificate_without_a_list_is_refused(hierarchy: Hierarchy) -> None:
    anchors: Any = hierarchy.root.certificate
    with pytest.raises(ConfigurationError):
        TrustStore(anchors)


def test_pem_that_is_no_pem_is_refused(hierarchy: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="the file of trust anchors holds no PEM certificate"):
        TrustStore.from_pem(b"")
    with pytest.raises(ConfigurationError, match="the file of intermediates holds no PEM certificate"):
        TrustStore.from_pem(hierarchy.root_pem, intermediates=b"")
    with pytest.raises(ConfigurationError, match="the file of trust anchors is PEM, as bytes"):
        TrustStore.from_pem(hierarchy.root_pem.decode())  # type: ignore[arg-type] # that text is refused is tested


def test_the_number_of_intermediates_is_limited(hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trust_module.MAX_INTERMEDIATES == 512
    monkeypatch.setattr(trust_module, "MAX_INTERMEDIATES", 1)
    both = [hierarchy.tsp.certificate, hierarchy.domain.certificate]
    assert len(TrustStore([hierarchy.root.certificate], both[:1] * 2).intermediates) == 1
    with pytest.raises(ConfigurationError, match="holds at most 1 intermediates"):
        TrustStore([hierarchy.root.certificate], both)


def test_an_id_is_that_of_the_certificates_and_their_roles(hierarchy: Hierarchy, look_alike: Hierarchy) -> None:
    root, domain, tsp = (authority.certificate for authority in (hierarchy.root, hierarchy.domain, hierarchy.tsp))
    store = TrustStore([root, domain], [tsp])
    assert (
        store.id
        == TrustStore([domain, root], [tsp]).id
        == TrustStore.from_pem(pem([root, domain]), intermediates=pem([tsp])).id
    )
    assert len(bytes.fromhex(store.id)) == 32
    both = [domain, tsp]
    assert TrustStore([root], both).id == TrustStore([root], both[::-1]).id, "order is no content"
    others = [
        TrustStore([root], [tsp]),
        TrustStore([root], [domain, tsp]),
        TrustStore([root, domain]),
        TrustStore([root, domain, tsp]),
        TrustStore([look_alike.root.certificate, domain], [tsp]),
    ]
    assert len({store.id, *(other.id for other in others)}) == 6


# --- PKIoverheid ---------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_pinned_is_not_taken_for_pkioverheid(hierarchy: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="is not a pinned PKIoverheid certificate") as caught:
        TrustStore.pkioverheid(hierarchy.root_pem)
    assert fingerprint(hierarchy.root.certificate) in str(caught.value)


def test_a_fingerprint_of_the_operator_pins_a_root_as_anchor_and_a_ca_as_intermediate(hierarchy: Hierarchy) -> None:
    chain = hierarchy.tsp.chain
    store = TrustStore.pkioverheid(pem(chain), pins={fingerprint(certificate) for certificate in chain})
    assert store.anchors == (hierarchy.root.certificate,)
    assert store.intermediates == (hierarchy.tsp.certificate, hierarchy.domain.certificate)


def test_a_bundle_of_intermediates_only_has_no_anchor(hierarchy: Hierarchy) -> None:
    pins = {fingerprint(hierarchy.domain.certificate)}
    with pytest.raises(ConfigurationError, match="at least one trust anchor"):
        TrustStore.pkioverheid(pem([hierarchy.domain.certificate]), pins=pins)


def test_a_pinned_leaf_is_no_anchor_either(issued: Issued, hierarchy: Hierarchy) -> None:
    chain = (issued.certificate, hierarchy.root.certificate)
    with pytest.raises(ConfigurationError, match="is no CA certificate"):
        TrustStore.pkioverheid(pem(chain), pins={fingerprint(certificate) for certificate in chain})


def test_the_real_certificates_are_pinned_and_the_look_alike_is_not(data: Path) -> None:
    folder = data / "pkioverheid"
    names = ["Private_Root_CA_G1", "Private_Services_CA_G1.2", "der_Nederlanden_Root_CA_G3", "G4_Root", "G4_Intm"]
    real = [next(iter(sorted(folder.glob(f"Staat*{name}*.pem")))).read_bytes() for name in names]
    store = TrustStore.pkioverheid(b"\n".join(real))
    assert (len(store.anchors), len(store.intermediates)) == (3, 2)
    (fake,) = folder.glob("FAKE-*.pem")
    with pytest.raises(ConfigurationError, match="is not a pinned PKIoverheid certificate"):
        TrustStore.pkioverheid(b"\n".join([*real, fake.read_bytes()]))


def test_an_elliptic_curve_root_is_an_anchor_too(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> None:
    authority = hierarchy.root.issue_authority("TEST curve", key=p256_key)
    assert TrustStore([authority.certificate]).anchors == (authority.certificate,)
