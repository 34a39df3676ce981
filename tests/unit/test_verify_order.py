"""The order of the steps: a message with two faults gives the error of the earlier step, for every pair of steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from nlgov_jades import HttpRequest, Oin, RevocationPolicy
from nlgov_jades.errors import (
    CertificatePathError,
    DigestMismatchError,
    InvalidSignatureError,
    MalformedSignatureError,
    ProfileViolationError,
    RevocationUnknownError,
    SignatureMissingError,
    SignerNotAllowedError,
    SigningTimeError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.testing import Hierarchy, Issued

Edit = Callable[[dict[str, Any]], object]
Change = Callable[[HttpRequest], HttpRequest]

FIELD = "nlgov-adr-payload-sig"
IAT = 1781524800  # NOW of the tests


@dataclass(frozen=True)
class Fault:
    """One deviation, made so that it can be joined with another."""

    step: str
    kind: type[VerificationError]
    words: str
    edit: Edit = lambda _: None
    text: Callable[[str], str] = str
    damage: Callable[[bytes], bytes] = bytes
    received: Change = lambda message: message
    policy: Mapping[str, Any] = field(default_factory=dict)
    untrusted: bool = False


def repeat_the_field(message: HttpRequest) -> HttpRequest:
    return message.with_fields([(FIELD, message.fields.get_all(FIELD)[0])])


FAULTS = [
    Fault("1", MalformedSignatureError, "is there 2 times", received=repeat_the_field),
    Fault(
        "2",
        MalformedSignatureError,
        "is longer than 32768 characters",
        text=lambda text: text.replace('"typ"', f'"padding":"{"A" * 30_000}","typ"'),
    ),
    Fault(
        "3",
        MalformedSignatureError,
        "names a member twice",
        text=lambda text: text.replace('"typ"', '"typ":"JOSE","typ"'),
    ),
    Fault("4", UnsupportedAlgorithmError, "alg is 'HS256'", edit=lambda header: header.update(alg="HS256")),
    Fault("5", ProfileViolationError, "crit does not name sigD", edit=lambda header: header.update(crit=["b64"])),
    Fault(
        "6",
        ProfileViolationError,
        "sigD holds more than mId and pars",
        edit=lambda header: header["sigD"].update(hashM="S256"),
    ),
    Fault(
        "6, unsigned fields",
        ProfileViolationError,
        "Content-Encoding 'gzip' is not covered",
        received=lambda message: message.with_fields([("Content-Encoding", "gzip")]),
    ),
    Fault(
        "7", MalformedSignatureError, "x5t#S256 is 3 octets", edit=lambda header: header.update({"x5t#S256": "AAAA"})
    ),
    Fault("8", InvalidSignatureError, "is 255 octets long", damage=lambda octets: octets[:-1]),
    Fault("9", DigestMismatchError, "SHA-256 in Digest is not that", received=lambda message: message.with_body(b"{}")),
    Fault("10", SigningTimeError, "is in the future", edit=lambda header: header.update(iat=IAT + 61)),
    Fault("11, path", CertificatePathError, "is neither a trust anchor nor among", untrusted=True),
    Fault(
        "11, revocation",
        RevocationUnknownError,
        "is revoked is not known",
        policy={"revocation": RevocationPolicy.HARD_FAIL},
    ),
    Fault(
        "12",
        SignerNotAllowedError,
        "is not among those the policy allows",
        policy={"signers": {Oin("00000003123456780000")}},
    ),
]


@pytest.fixture(scope="session")
def outsider(stranger: Hierarchy, issued: Issued) -> Issued:
    """The signer of the tests with a certificate from a hierarchy that nobody trusts."""
    return stranger.tsp.issue(key=issued.key)


@pytest.fixture
def first_error(
    refuses: Callable[..., VerificationError], issued: Issued, outsider: Issued
) -> Callable[..., VerificationError]:
    """Joins faults in one message and asserts that the first of them gives the error."""

    def check(*faults: Fault) -> VerificationError:
        def edit(header: dict[str, Any]) -> None:
            for fault in faults:
                fault.edit(header)

        def text(made: str) -> str:
            for fault in faults:
                made = fault.text(made)
            return made

        def damage(octets: bytes) -> bytes:
            for fault in faults:
                octets = fault.damage(octets)
            return octets

        def received(message: HttpRequest) -> HttpRequest:
            for fault in reversed(faults):
                message = fault.received(message)
            return message

        return refuses(
            faults[0].kind,
            faults[0].words,
            no_chain=faults[0].untrusted,
            edit=edit,
            text=text,
            damage=damage,
            received=received,
            policy={name: value for fault in faults for name, value in fault.policy.items()},
            signer=outsider if any(fault.untrusted for fault in faults) else issued,
        )

    return check


def numbered(pair: tuple[Fault, ...]) -> str:
    return " before ".join(fault.step for fault in pair)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.step)
def test_each_fault_alone_is_refused_by_its_own_step(
    first_error: Callable[..., VerificationError], fault: Fault
) -> None:
    first_error(fault)


@pytest.mark.parametrize("pair", list(itertools.pairwise(FAULTS)), ids=numbered)
def test_of_two_neighbouring_steps_the_earlier_gives_the_error(
    first_error: Callable[..., VerificationError], pair: tuple[Fault, Fault]
) -> None:
    first_error(*pair)


def test_of_any_two_steps_the_earlier_gives_the_error(first_error: Callable[..., VerificationError]) -> None:
    pairs = list(itertools.combinations(FAULTS, 2))
    assert len(pairs) == len(FAULTS) * (len(FAULTS) - 1) // 2
    for pair in pairs:
        first_error(*pair)


def test_of_all_faults_together_the_first_gives_the_error(first_error: Callable[..., VerificationError]) -> None:
    for start in range(len(FAULTS)):
        first_error(*FAULTS[start:])


# --- inside one step ---------------------------------------------------------------------------------------------


def test_step_1_a_second_known_field_comes_before_a_repeated_one(refuses: Callable[..., VerificationError]) -> None:
    refuses(
        MalformedSignatureError,
        "two signature fields",
        received=lambda message: repeat_the_field(message).with_fields([("Payload-Signature", "")]),
    )


def test_step_1_a_field_that_is_not_accepted_is_not_read_at_all(refuses: Callable[..., VerificationError]) -> None:
    refuses(SignatureMissingError, "which the policy does not accept", field="Payload-Signature", damage=lambda _: b"x")


def test_step_4_alg_comes_before_b64(refuses: Callable[..., VerificationError]) -> None:
    refuses(UnsupportedAlgorithmError, "alg is 'none'", edit=lambda header: header.update(alg="none", b64=True))


def test_step_4_alg_is_judged_before_a_certificate_is_parsed(refuses: Callable[..., VerificationError]) -> None:
    refuses(UnsupportedAlgorithmError, "alg is 'none'", edit=lambda header: header.update(alg="none", x5c=["AAAA"]))


def test_step_7_the_size_of_x5c_comes_before_its_content(refuses: Callable[..., VerificationError]) -> None:
    refuses(MalformedSignatureError, "x5c holds 6", edit=lambda header: header.update(x5c=["not base64"] * 6))


def test_step_9_the_form_of_digest_is_judged_after_the_signature(refuses: Callable[..., VerificationError]) -> None:
    def spoil(message: HttpRequest) -> HttpRequest:
        fields = [(name, "SHA-256=x" if name == "Digest" else value) for name, value in message.fields]
        return HttpRequest(method=message.method, target=message.target, fields=fields, body=message.body)

    refuses(InvalidSignatureError, "does not fit the covered octets", received=spoil)


def test_step_11_no_revocation_is_asked_for_a_path_without_anchor(
    refuses: Callable[..., VerificationError], outsider: Issued
) -> None:
    refuses(
        CertificatePathError,
        "is neither a trust anchor",
        no_chain=True,
        signer=outsider,
        policy={"revocation": RevocationPolicy.HARD_FAIL},
    )
