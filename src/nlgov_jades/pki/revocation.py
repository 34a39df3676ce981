"""Revocation along a path, as one generator: from given data first, then from what the driver can get.

It yields what it needs to read, receives it parsed or hears why it cannot be had, and decides. Where the data come from,
a cache or the network, is the driver's business; so is the time that it may take.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from ..errors import CertificateRevokedError, ConfigurationError, FetchError, RevocationUnknownError, quoted
from ..policy import RevocationMode, RevocationPolicy
from ..result import RevocationEvidence, RevocationSource, RevocationStatus
from .answer import Answer, Standing, decide
from .certificate import display_name, fingerprint
from .crl import MAX_CRL, Crl, Entries, check_crl, parse_crl
from .identity import common_name
from .ocsp import MAX_OCSP, OcspResponse, check_ocsp, ocsp_request, parse_ocsp
from .path import CertificationPath
from .signatures import ForgedDataError, UnusableDataError

__all__ = ["FetchRequest", "ForgedFetchError", "GivenData", "RevocationData", "RevocationFindings", "check_revocation"]

MAX_URLS = 2
"""Of one kind in one certificate: each costs a fetch, and a CA that names more is not more reliable for it."""

MAX_URL_LENGTH = 2048
"""Characters; real ones have fewer than 100."""

RevocationData = OcspResponse | Crl


class ForgedFetchError(FetchError):
    """What was fetched has a signature that does not fit: not merely missing, and never passed over by soft-fail."""


def _fetch_error(error: UnusableDataError) -> FetchError:
    return ForgedFetchError(str(error)) if isinstance(error, ForgedDataError) else FetchError(str(error))


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What the generator wants to read. The driver answers with the parsed data or a FetchError.

    Attributes:
        source: OCSP response or CRL.
        url: http or https, from a certificate whose path reached a trust anchor.
        certificate: The certificate it is about.
        issuer: The CA certificate above it.
        policy: How revocation is judged.
        at: The time to judge for, UTC.
    """

    source: RevocationSource
    url: str
    certificate: x509.Certificate
    issuer: x509.Certificate
    policy: RevocationPolicy
    at: dt.datetime

    @property
    def limit(self) -> int:
        """Octets that an answer may have."""
        return MAX_OCSP if self.source is RevocationSource.OCSP else MAX_CRL

    def body(self) -> bytes | None:
        """What to post: the OCSP request; `None` means to get."""
        return ocsp_request(self.certificate, self.issuer) if self.source is RevocationSource.OCSP else None

    def parse(self, octets: bytes) -> RevocationData:
        """The answer, parsed and found usable. For a large CRL this takes a tenth of a second and more.

        Raises:
            FetchError: It is not what was asked for, or not usable at this time; a ForgedFetchError when its signature
                does not fit.
        """
        try:
            data = (
                parse_ocsp(octets)
                if self.source is RevocationSource.OCSP
                else parse_crl(octets, Entries.AFTER_SIGNATURE)
            )
        except UnusableDataError as error:
            raise _fetch_error(error) from None
        self.check(data)
        return data

    def check(self, data: RevocationData) -> Answer:
        """What the data say; for a cache, which keeps nothing that its reader would refuse.

        Raises:
            FetchError: They say nothing about this certificate, or not at this time.
        """
        try:
            if isinstance(data, Crl):
                return check_crl(data, self.certificate, self.issuer, policy=self.policy, at=self.at)
            return check_ocsp(data, self.certificate, self.issuer, policy=self.policy, at=self.at).answer
        except UnusableDataError as error:
            raise _fetch_error(error) from None


@dataclass(frozen=True, slots=True)
class GivenData:
    """Revocation data that the caller brought along."""

    ocsp: tuple[OcspResponse, ...] = ()
    crls: tuple[Crl, ...] = ()

    @classmethod
    def parse(cls, ocsp: tuple[bytes | OcspResponse, ...], crls: tuple[bytes | Crl, ...]) -> GivenData:
        """The same from DER.

        Raises:
            ConfigurationError: One is no OCSP response or CRL: the caller gave it, not the message.
        """
        try:
            return cls(
                tuple(item if isinstance(item, OcspResponse) else parse_ocsp(item) for item in ocsp),
                tuple(item if isinstance(item, Crl) else parse_crl(item) for item in crls),
            )
        except UnusableDataError as error:
            raise ConfigurationError(f"revocation data that were given cannot be used: {error}") from None


@dataclass(frozen=True, slots=True)
class RevocationFindings:
    """What was found for a whole path.

    Attributes:
        evidence: One entry for each certificate below the anchor, signer first.
        valid_until: The last moment at which all of it may be used again, UTC; `None` when something is unchecked.
    """

    evidence: tuple[RevocationEvidence, ...]
    valid_until: dt.datetime | None


_Reading = Generator[FetchRequest, "RevocationData | FetchError", "Answer | None"]


def check_revocation(
    path: CertificationPath, policy: RevocationPolicy, *, at: dt.datetime, given: GivenData
) -> Generator[FetchRequest, RevocationData | FetchError, RevocationFindings]:
    """What is known about the revocation of each certificate below the anchor.

    Args:
        path: A path that reached a trust anchor: its URLs were written by a CA that we trust.
        policy: How revocation is judged.
        at: The time to judge for, UTC.
        given: Data that come before anything that is fetched.

    Yields:
        What to read; send back the parsed data, or why they could not be had.

    Raises:
        CertificateRevokedError: A certificate is revoked, whatever is unknown about the others.
        RevocationUnknownError: The policy asks for an answer about each certificate, and for one there is none.
    """
    pairs = list(zip(path.certificates[:-1], path.certificates[1:], strict=True))
    if policy.mode is RevocationMode.OFF:
        return RevocationFindings(tuple(_unchecked(certificate) for certificate, _ in pairs), None)
    found: list[RevocationEvidence] = []
    limits: list[dt.datetime] = []
    unknown: RevocationUnknownError | None = None
    forged = False
    for position, (certificate, issuer) in enumerate(pairs):
        question = _Question(certificate, issuer, policy, at, given)
        answer = yield from question.ask(prefer_ocsp=position == 0)
        if answer is not None and answer.standing is not Standing.GOOD:
            raise _revoked(certificate, answer)
        if answer is None:
            unknown = unknown or question.unknown()
            forged = forged or question.forged
            found.append(_unchecked(certificate))
        else:
            found.append(_good(certificate, answer))
            limits.append(answer.valid_until)
    # Soft-fail is for data that are missing, not for data that somebody made up.
    if unknown is not None and (forged or policy.mode is RevocationMode.HARD_FAIL):
        raise unknown
    return RevocationFindings(tuple(found), min(limits) if unknown is None else None)


@dataclass(slots=True)
class _Question:
    """Is this certificate revoked? Collects what was tried."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    policy: RevocationPolicy
    at: dt.datetime
    given: GivenData
    attempts: list[str] = field(default_factory=list)
    cause: FetchError | None = None
    forged: bool = False

    def ask(self, *, prefer_ocsp: bool) -> _Reading:
        answers: list[Answer] = []
        for response in self.given.ocsp:
            yield from self._read(response, "given OCSP response", answers)
        for crl in self.given.crls:
            yield from self._read(crl, "given CRL", answers)
        if decide(answers) is not None:
            return decide(answers)
        for source, url in _sources(self.certificate, prefer_ocsp=prefer_ocsp):
            what = f"{source.value.upper()} at {quoted(url, 120)}"
            reply = yield FetchRequest(source, url, self.certificate, self.issuer, self.policy, self.at)
            if isinstance(reply, FetchError):
                self.attempts.append(f"{what}: {reply}")
                self.cause = reply
                self.forged = self.forged or isinstance(reply, ForgedFetchError)
                continue
            yield from self._read(reply, what, answers)
            if decide(answers) is not None:
                return decide(answers)
        return None

    def _read(
        self, data: RevocationData, what: str, answers: list[Answer]
    ) -> Generator[FetchRequest, RevocationData | FetchError, None]:
        try:
            if isinstance(data, Crl):
                answers.append(check_crl(data, self.certificate, self.issuer, policy=self.policy, at=self.at))
                return
            said = check_ocsp(data, self.certificate, self.issuer, policy=self.policy, at=self.at)
        except UnusableDataError as error:
            self.attempts.append(f"{what}: {error}")
            self.forged = self.forged or isinstance(error, ForgedDataError)
            return
        if said.delegate is None:
            answers.append(said.answer)
            return
        # RFC 6960 §4.2.2.2.1: without ocsp-nocheck the delegate is asked about like any certificate, by CRL: an OCSP
        # answer about it would come from itself.
        about_delegate = _Question(said.delegate, self.issuer, self.policy, self.at, GivenData(crls=self.given.crls))
        standing = yield from about_delegate.ask_crls()
        self.forged = self.forged or about_delegate.forged
        if standing is None and said.answer.standing is not Standing.GOOD:
            answers.append(said.answer)  # nobody vouches for it, but "revoked" is not to be passed over for that
        elif standing is None or standing.standing is not Standing.GOOD:
            self.attempts.append(f"{what}: whether its responder {display_name(said.delegate)} is revoked is not known")
        else:
            # The answer counts for as long as its responder is vouched for.
            until = min(said.answer.valid_until, standing.valid_until)
            answers.append(replace(said.answer, valid_until=until))

    def ask_crls(self) -> _Reading:
        answers: list[Answer] = []
        for crl in self.given.crls:
            yield from self._read(crl, "given CRL", answers)
        for url in _crl_urls(self.certificate):
            if decide(answers) is not None:
                break
            reply = yield FetchRequest(RevocationSource.CRL, url, self.certificate, self.issuer, self.policy, self.at)
            if isinstance(reply, FetchError):
                self.forged = self.forged or isinstance(reply, ForgedFetchError)
            else:
                yield from self._read(reply, "CRL", answers)
        return decide(answers)

    def unknown(self) -> RevocationUnknownError:
        tried = "; ".join(self.attempts) or "it names no OCSP responder and no CRL, and none was given"
        error = RevocationUnknownError(
            f"whether certificate {display_name(self.certificate)} is revoked is not known ({tried})"
        )
        error.__cause__ = self.cause
        return error


def _revoked(certificate: x509.Certificate, answer: Answer) -> CertificateRevokedError:
    name = display_name(certificate)
    when = "" if answer.revoked_at is None else f" on {answer.revoked_at:%Y-%m-%dT%H:%M:%SZ}"
    why = "" if answer.reason is None else f" ({answer.reason})"
    return CertificateRevokedError(
        f"certificate {name} was revoked{when}{why}, says the {answer.source.value.upper()} of {quoted(answer.signer)}",
        certificate=name,
        sha256=fingerprint(certificate),
    )


def _unchecked(certificate: x509.Certificate) -> RevocationEvidence:
    return RevocationEvidence(
        certificate=fingerprint(certificate), subject=common_name(certificate), status=RevocationStatus.UNCHECKED
    )


def _good(certificate: x509.Certificate, answer: Answer) -> RevocationEvidence:
    return RevocationEvidence(
        certificate=fingerprint(certificate),
        subject=common_name(certificate),
        status=RevocationStatus.GOOD,
        source=answer.source,
        signer=answer.signer,
        this_update=answer.this_update,
        next_update=answer.next_update,
        der=answer.der,
    )


def _sources(certificate: x509.Certificate, *, prefer_ocsp: bool) -> list[tuple[RevocationSource, str]]:
    ocsp = [(RevocationSource.OCSP, url) for url in _ocsp_urls(certificate)]
    crls = [(RevocationSource.CRL, url) for url in _crl_urls(certificate)]
    return ocsp + crls if prefer_ocsp else crls + ocsp


def _ocsp_urls(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    # caIssuers is never followed.
    return _usable(item.access_location for item in access if item.access_method == AuthorityInformationAccessOID.OCSP)


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    # A point for some reasons only, or of another issuer, would lead to a CRL that is refused anyway.
    return _usable(
        name for point in points if point.reasons is None and point.crl_issuer is None for name in point.full_name or ()
    )


def _usable(names: Generator[x509.GeneralName, None, None]) -> list[str]:
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    # LDAP is skipped: it is another protocol with another attack surface, and its CRLs are published over HTTP too.
    http = [url for url in urls if url.lower().startswith(("http://", "https://")) and len(url) <= MAX_URL_LENGTH]
    return list(dict.fromkeys(http))[:MAX_URLS]
