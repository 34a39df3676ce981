"""A signer, its CA and the anchor, and OCSP responses and CRLs about them. They are plain and right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from nlgov_jades import RevocationPolicy
from nlgov_jades.errors import FetchError
from nlgov_jades.pki.crl import Crl
from nlgov_jades.pki.ocsp import OcspResponse
from nlgov_jades.pki.path import CertificationPath
from nlgov_jades.pki.revocation import FetchRequest, GivenData, RevocationFindings, check_revocation
from nlgov_jades.testing import Authority, Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
HARD, SOFT, OFF = RevocationPolicy.HARD_FAIL, RevocationPolicy.SOFT_FAIL, RevocationPolicy.OFF
HOLD, COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise
GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED

OCSP, LEAF_CRL, CA_CRL, CA_OCSP = (f"http://{name}.example/" for name in ("ocsp", "leaf-crl", "ca-crl", "ca-ocsp"))


def access(*urls: str) -> tuple[x509.ExtensionType, bool]:
    oid = AuthorityInformationAccessOID.OCSP
    names = [x509.AccessDescription(oid, x509.UniformResourceIdentifier(url)) for url in urls]
    return x509.AuthorityInformationAccess(names), False


def points(*urls: str) -> tuple[x509.ExtensionType, bool]:
    found = [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls]
    return x509.CRLDistributionPoints(found), False


def crl_of(
    authority: Authority,
    revoked: Mapping[int, x509.ReasonFlags | None] | None = None,
    *,
    this: dt.datetime = NOW - HOUR,
    until: dt.datetime = NOW + HOUR,
) -> bytes:
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, this, until)
    for serial_number, reason in (revoked or {}).items():
        entry = x509.RevokedCertificateBuilder(serial_number, NOW - 24 * HOUR)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, SHA256()).public_bytes(Encoding.DER)


def ocsp_of(
    issuer: Authority,
    subject: Issued,
    status: ocsp.OCSPCertStatus = GOOD,
    *,
    by: Issued | None = None,
    this: dt.datetime = NOW - HOUR,
    reason: x509.ReasonFlags | None = None,
) -> bytes:
    signer = issuer if by is None else by
    revoked = status is REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=subject.certificate,
        issuer=issuer.certificate,
        algorithm=SHA1(),  # noqa: S303 - it only names the issuer
        cert_status=status,
        this_update=this,
        next_update=NOW + 2 * HOUR,
        revocation_time=NOW - 24 * HOUR if revoked else None,
        revocation_reason=reason if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if by is not None:
        builder = builder.certificates([by.certificate])
    return builder.sign(signer.key, SHA256()).public_bytes(Encoding.DER)


@dataclass
class Chain:
    """A signer, its CA and the anchor; the two below the anchor name where to ask about them."""

    root: Authority
    ca: Authority
    signer: Issued
    asked: list[FetchRequest] = field(default_factory=list)

    def judge(
        self,
        answers: Mapping[str, bytes] | None = None,
        *,
        policy: RevocationPolicy = HARD,
        ocsp: Iterable[bytes] = (),
        crls: Iterable[bytes] = (),
    ) -> RevocationFindings:
        """Run the generator with these answers by URL; there is nothing at any other URL."""
        path = CertificationPath(self.signer.chain, frozenset())
        given = GivenData.parse(tuple(ocsp), tuple(crls))
        steps = check_revocation(path, policy, at=NOW, given=given)
        try:
            request = next(steps)
            while True:
                self.asked.append(request)
                request = steps.send(answer_of(request, answers or {}))
        except StopIteration as done:
            findings: RevocationFindings = done.value
            return findings

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.asked]

    @property
    def serials(self) -> tuple[int, int]:
        return self.signer.certificate.serial_number, self.ca.certificate.serial_number


def answer_of(request: FetchRequest, answers: Mapping[str, bytes]) -> Crl | OcspResponse | FetchError:
    if request.url not in answers:
        return FetchError(f"nothing at {request.url}")
    try:
        return request.parse(answers[request.url])
    except FetchError as error:
        return error


def new_chain(hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey, key: ec.EllipticCurvePrivateKey) -> Chain:
    """One of the hierarchy's root."""
    root = hierarchy.root
    ca = root.issue_authority("the CA", key=ca_key, more_extensions=[access(CA_OCSP), points(CA_CRL)])
    more = [access(OCSP), points(LEAF_CRL)]
    return Chain(root, ca, ca.issue(key=key, common_name="the signer", more_extensions=more))
