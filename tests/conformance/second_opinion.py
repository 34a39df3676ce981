"""What pyhanko-certvalidator makes of the same exhibit, offline and at the same time."""

from __future__ import annotations

import asyncio
import datetime as dt
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from nlgov_jades.policy import RevocationMode

from .judging import VALID
from .making import Exhibit

REFUSED = "REFUSED"
REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A reviewed group of cases in which the two differ."""

    pyhanko: str
    reason: str
    cases: tuple[str, ...]


def disagreements() -> list[Disagreement]:
    """The reviewed list."""
    file = Path(__file__).parent / "pyhanko_disagreements.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return [Disagreement(item["pyhanko"], item["reason"], tuple(item["cases"])) for item in content["disagreement"]]


def in_its_words(verdict: str) -> str:
    """Our verdict, as coarse as theirs can be compared."""
    return {VALID: VALID, "CERTIFICATE_REVOKED": REVOKED}.get(verdict, REFUSED)


def second_opinion(exhibit: Exhibit) -> tuple[str, str]:
    """`VALID`, `REVOKED` or `REFUSED`, and its own words."""
    with warnings.catch_warnings():
        # What a foreign library deprecates within itself is not ours to mend.
        warnings.simplefilter("ignore")
        try:
            asyncio.run(_validate(exhibit))
        except RevokedError as error:
            return REVOKED, str(error)
        except Exception as error:  # noqa: BLE001 - data it cannot parse end in whatever its parser raises
            return REFUSED, f"{type(error).__name__}: {error}"
    return VALID, ""


async def _validate(exhibit: Exhibit) -> None:
    mode = {RevocationMode.HARD_FAIL: "hard-fail", RevocationMode.SOFT_FAIL: "soft-fail"}
    context = ValidationContext(
        trust_roots=[_converted(item) for item in exhibit.anchors],
        other_certs=[_converted(item) for item in exhibit.intermediates],
        moment=exhibit.at,
        time_tolerance=dt.timedelta(0),
        allow_fetching=False,
        crls=list(exhibit.crls),
        ocsps=list(exhibit.ocsp),
        revocation_mode=mode[exhibit.revocation.mode],
    )
    asked = None
    if exhibit.policies is not None:
        asked = PKIXValidationParams(
            user_initial_policy_set=exhibit.policies, initial_explicit_policy=True, initial_policy_mapping_inhibit=True
        )
    validator = CertificateValidator(
        _converted(exhibit.leaf), [_converted(item) for item in exhibit.untrusted], context, asked
    )
    await validator.async_validate_path()


def _converted(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
