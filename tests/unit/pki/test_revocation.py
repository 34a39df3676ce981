"""Revocation along a path: what is asked in which order, and what follows from the answers.

Whether a response or a CRL is right is in `tests/conformance`; where it is looked for, in `test_revocation_sources.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nlgov_jades import RevocationPolicy
from nlgov_jades.errors import (
    CertificateRevokedError,
    FetchError,
    RevocationUnknownError,
    VerificationError,
)
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.result import RevocationSource, RevocationStatus
from nlgov_jades.testing import Authority, Hierarchy, Issued

from .revoking import (
    CA_CRL,
    CA_OCSP,
    COMPROMISE,
    HARD,
    HOLD,
    HOUR,
    LEAF_CRL,
    NOW,
    OCSP,
    OFF,
    REVOKED,
    SOFT,
    Chain,
    crl_of,
    new_chain,
    ocsp_of,
    points,
)

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]


@pytest.fixture
def chain(hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey, p256_key: ec.EllipticCurvePrivateKey) -> Chain:
    return new_chain(hierarchy, ca_key, p256_key)


# --- what is asked -------------------------------------------------------------------------------------------


def test_off_asks_nothing_and_says_so(chain: Chain) -> None:
    findings = chain.judge(policy=OFF)
    assert chain.asked == []
    assert [(item.certificate, item.subject, item.status, item.source) for item in findings.evidence] == [
        (fingerprint(chain.signer.certificate), "the signer", RevocationStatus.UNCHECKED, None),
        (fingerprint(chain.ca.certificate), "the CA", RevocationStatus.UNCHECKED, None),
    ]
    assert findings.valid_until is None


def test_ocsp_is_asked_first_about_the_signer_and_the_crl_about_a_ca(refused: Refused, chain: Chain) -> None:
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge()
    assert chain.urls == [OCSP, LEAF_CRL, CA_CRL, CA_OCSP]
    assert [request.source for request in chain.asked] == [
        RevocationSource.OCSP,
        RevocationSource.CRL,
        RevocationSource.CRL,
        RevocationSource.OCSP,
    ]
    about = [(request.certificate, request.issuer) for request in chain.asked]
    signer, ca, root = chain.signer.chain
    assert about == [(signer, ca), (signer, ca), (ca, root), (ca, root)]


def test_a_good_answer_ends_the_questions_about_a_certificate(chain: Chain) -> None:
    response, crl = ocsp_of(chain.ca, chain.signer), crl_of(chain.root)
    findings = chain.judge({OCSP: response, CA_CRL: crl})
    assert chain.urls == [OCSP, CA_CRL]
    signer, ca = findings.evidence
    assert (signer.status, signer.source, signer.signer, signer.der) == (
        RevocationStatus.GOOD,
        RevocationSource.OCSP,
        "the CA",
        response,
    )
    assert (signer.this_update, signer.next_update) == (NOW - HOUR, NOW + 2 * HOUR)
    assert (ca.source, ca.signer, ca.der) == (RevocationSource.CRL, "TEST nlgov-jades Root CA", crl)
    assert findings.valid_until == NOW + HOUR


def test_the_next_source_is_asked_when_the_first_has_nothing(chain: Chain) -> None:
    findings = chain.judge({LEAF_CRL: crl_of(chain.ca), CA_OCSP: ocsp_of(chain.root, chain.ca)})
    assert chain.urls == [OCSP, LEAF_CRL, CA_CRL, CA_OCSP]
    assert [item.source for item in findings.evidence] == [RevocationSource.CRL, RevocationSource.OCSP]


def test_nothing_is_asked_when_what_was_given_suffices(chain: Chain) -> None:
    findings = chain.judge(ocsp=[ocsp_of(chain.ca, chain.signer)], crls=[crl_of(chain.root)])
    assert chain.asked == []
    assert [item.status for item in findings.evidence] == [RevocationStatus.GOOD] * 2


def test_what_was_given_about_others_does_not_replace_a_question(chain: Chain, look_alike: Hierarchy) -> None:
    forged = Authority(look_alike.root.key, chain.ca.chain)
    given = [crl_of(forged), crl_of(look_alike.root), crl_of(chain.root)]
    findings = chain.judge({LEAF_CRL: crl_of(chain.ca)}, crls=given, ocsp=[ocsp_of(chain.root, chain.ca)])
    assert chain.urls == [OCSP, LEAF_CRL]
    assert [item.status for item in findings.evidence] == [RevocationStatus.GOOD] * 2


# --- hard and soft -------------------------------------------------------------------------------------------


def test_a_certificate_that_names_no_source_is_unknown(refused: Refused, chain: Chain) -> None:
    bare = Chain(chain.root, chain.ca, chain.ca.issue(key=chain.signer.key, common_name="bare"))
    with refused(RevocationUnknownError, "it names no OCSP responder and no CRL, and none was given") as caught:
        bare.judge({CA_CRL: crl_of(chain.root)})
    assert caught.value.__cause__ is None


def test_every_attempt_is_told_and_the_last_failure_is_the_cause(refused: Refused, chain: Chain) -> None:
    with refused(RevocationUnknownError, f"OCSP at '{OCSP}': nothing at {OCSP}; CRL at '{LEAF_CRL}': ") as caught:
        chain.judge({LEAF_CRL: crl_of(chain.root), CA_CRL: crl_of(chain.root)})
    assert isinstance(caught.value.__cause__, FetchError)
    assert "another issuer" in str(caught.value.__cause__)


def test_an_unknown_ca_is_as_bad_as_an_unknown_signer(refused: Refused, chain: Chain) -> None:
    with refused(RevocationUnknownError, "whether certificate 'the CA' is revoked is not known"):
        chain.judge({OCSP: ocsp_of(chain.ca, chain.signer)})


def test_soft_fail_says_which_certificate_is_unchecked(chain: Chain) -> None:
    findings = chain.judge({OCSP: ocsp_of(chain.ca, chain.signer)}, policy=SOFT)
    assert [item.status for item in findings.evidence] == [RevocationStatus.GOOD, RevocationStatus.UNCHECKED]
    assert findings.valid_until is None


@pytest.mark.parametrize("policy", [HARD, SOFT])
@pytest.mark.parametrize("where", ["OCSP", "CRL", "given OCSP", "given CRL"])
def test_a_revoked_signer_is_refused_wherever_it_is_found(
    refused: Refused, chain: Chain, policy: RevocationPolicy, where: str
) -> None:
    response = ocsp_of(chain.ca, chain.signer, REVOKED, reason=COMPROMISE)
    crl = crl_of(chain.ca, {chain.serials[0]: COMPROMISE})
    answers = {"OCSP": {OCSP: response}, "CRL": {LEAF_CRL: crl}}.get(where, {})
    with refused(
        CertificateRevokedError,
        "certificate 'the signer' was revoked on 2026-06-14T12:00:00Z (keyCompromise), says the "
        + where.removeprefix("given ")
        + " of 'the CA'",
    ) as caught:
        chain.judge(
            answers,
            policy=policy,
            ocsp=[response] if where == "given OCSP" else (),
            crls=[crl] if where == "given CRL" else (),
        )
    assert isinstance(caught.value, CertificateRevokedError)
    assert caught.value.certificate == "'the signer'"


@pytest.mark.parametrize("policy", [HARD, SOFT])
def test_a_revoked_ca_is_refused_even_though_nothing_is_known_about_the_signer(
    refused: Refused, chain: Chain, policy: RevocationPolicy
) -> None:
    with refused(CertificateRevokedError, "certificate 'the CA' was revoked on 2026-06-14T12:00:00Z, says the CRL"):
        chain.judge({CA_CRL: crl_of(chain.root, {chain.serials[1]: None})}, policy=policy)


def test_revoked_wins_over_good_however_new(refused: Refused, chain: Chain) -> None:
    old = crl_of(chain.ca, {chain.serials[0]: COMPROMISE}, this=NOW - 5 * HOUR)
    for response in (ocsp_of(chain.ca, chain.signer), ocsp_of(chain.ca, chain.signer, this=NOW)):
        with refused(CertificateRevokedError, "says the CRL of 'the CA'"):
            chain.judge(ocsp=[response], crls=[crl_of(chain.ca), old, crl_of(chain.root)])


def test_a_hold_is_lifted_by_newer_data_only(refused: Refused, chain: Chain) -> None:
    hold = crl_of(chain.ca, {chain.serials[0]: HOLD}, this=NOW - 2 * HOUR)
    newer, older = (ocsp_of(chain.ca, chain.signer, this=NOW - hours * HOUR) for hours in (1, 3))
    findings = chain.judge(ocsp=[newer], crls=[hold, crl_of(chain.root)])
    assert findings.evidence[0].status is RevocationStatus.GOOD
    for given in ([older], []):
        with refused(CertificateRevokedError, "(certificateHold)"):
            chain.judge(ocsp=given, crls=[hold, crl_of(chain.root)])


# --- delegates of an OCSP responder --------------------------------------------------------------------------


def delegate(chain: Chain, *, nocheck: bool) -> Issued:
    more: list[tuple[x509.ExtensionType, bool]] = [points(LEAF_CRL)]
    more += [(x509.OCSPNoCheck(), False)] if nocheck else []
    usages = ("1.3.6.1.5.5.7.3.9",)
    return chain.ca.issue(
        common_name="the responder", key=chain.signer.key, extended_key_usages=usages, more_extensions=more
    )


def test_a_delegate_that_need_not_be_checked_answers(chain: Chain) -> None:
    response = ocsp_of(chain.ca, chain.signer, by=delegate(chain, nocheck=True))
    findings = chain.judge({OCSP: response, CA_CRL: crl_of(chain.root)})
    assert chain.urls == [OCSP, CA_CRL]
    assert findings.evidence[0].signer == "the responder"


@pytest.mark.parametrize("given", [False, True])
def test_another_delegate_answers_when_it_is_not_revoked_itself(chain: Chain, *, given: bool) -> None:
    response = ocsp_of(chain.ca, chain.signer, by=delegate(chain, nocheck=False))
    crls = [crl_of(chain.root), crl_of(chain.ca)]
    # A given CRL would answer about the signer as well, so that the response is given too and comes first.
    findings = chain.judge(
        {} if given else {OCSP: response, LEAF_CRL: crls[1], CA_CRL: crls[0]},
        ocsp=[response] if given else (),
        crls=crls if given else (),
    )
    assert findings.evidence[0].status is RevocationStatus.GOOD
    assert chain.urls == ([] if given else [OCSP, LEAF_CRL, CA_CRL])


@pytest.mark.parametrize("revoked", [False, True])
def test_the_answer_of_a_delegate_that_is_revoked_or_unknown_does_not_count(
    refused: Refused, chain: Chain, *, revoked: bool
) -> None:
    responder = delegate(chain, nocheck=False)
    response = ocsp_of(chain.ca, chain.signer, by=responder)
    crl = crl_of(chain.root if not revoked else chain.ca, {responder.certificate.serial_number: COMPROMISE})
    answers = {OCSP: response, CA_CRL: crl_of(chain.root)} | ({LEAF_CRL: crl} if revoked else {})
    if revoked:
        # The CRL that revokes the responder says about the signer that it is good.
        assert chain.judge(answers).evidence[0].source is RevocationSource.CRL
        return
    with refused(RevocationUnknownError, "whether its responder 'the responder' is revoked is not known"):
        chain.judge(answers)


def test_soft_fail_does_not_hide_what_a_delegate_of_unknown_standing_says(refused: Refused, chain: Chain) -> None:
    # Where an unknown standing is accepted, it is accepted of the responder too, and "revoked" is what it said.
    response = ocsp_of(chain.ca, chain.signer, REVOKED, by=delegate(chain, nocheck=False))
    with refused(CertificateRevokedError, "certificate 'the signer' was revoked"):
        chain.judge({OCSP: response}, policy=SOFT)


# --- made up -------------------------------------------------------------------------------------------------


def spoiled(data: bytes) -> bytes:
    """The last octet, which is one of the signature, is another."""
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("where", ["OCSP", "CRL", "given OCSP", "given CRL"])
def test_soft_fail_does_not_pass_over_data_that_somebody_made_up(refused: Refused, chain: Chain, where: str) -> None:
    # Soft-fail is for data that are missing.
    response, crl = spoiled(ocsp_of(chain.ca, chain.signer)), spoiled(crl_of(chain.ca))
    answers = {"OCSP": {OCSP: response}, "CRL": {LEAF_CRL: crl}}.get(where, {})
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge(
            {CA_CRL: crl_of(chain.root), **answers},
            policy=SOFT,
            ocsp=[response] if where == "given OCSP" else (),
            crls=[crl] if where == "given CRL" else (),
        )


def test_what_somebody_made_up_does_no_harm_where_the_truth_is_found(chain: Chain) -> None:
    answers = {OCSP: spoiled(ocsp_of(chain.ca, chain.signer, REVOKED)), LEAF_CRL: crl_of(chain.ca)}
    for policy in (HARD, SOFT):
        findings = chain.judge({CA_CRL: crl_of(chain.root), **answers}, policy=policy)
        assert [item.status for item in findings.evidence] == [RevocationStatus.GOOD] * 2


def test_soft_fail_does_not_pass_over_a_crl_about_a_delegate_that_somebody_made_up(
    refused: Refused, chain: Chain
) -> None:
    own = "http://responder-crl.example/"
    usages = ("1.3.6.1.5.5.7.3.9",)
    responder = chain.ca.issue(
        common_name="the responder", key=chain.signer.key, extended_key_usages=usages, more_extensions=[points(own)]
    )
    answers = {OCSP: ocsp_of(chain.ca, chain.signer, by=responder), own: spoiled(crl_of(chain.ca))}
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge({CA_CRL: crl_of(chain.root), **answers}, policy=SOFT)


def test_what_somebody_made_up_is_not_forgotten_over_what_is_merely_out_of_date(refused: Refused, chain: Chain) -> None:
    old = crl_of(chain.ca, this=NOW - 3 * HOUR, until=NOW - HOUR)
    answers = {OCSP: spoiled(ocsp_of(chain.ca, chain.signer)), LEAF_CRL: old, CA_CRL: crl_of(chain.root)}
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge(answers, policy=SOFT)
    given = [spoiled(crl_of(chain.ca)), old]
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge({CA_CRL: crl_of(chain.root)}, policy=SOFT, crls=given)


def test_what_somebody_made_up_is_not_forgotten_over_a_delegate_of_unknown_standing(
    refused: Refused, chain: Chain
) -> None:
    by_delegate = ocsp_of(chain.ca, chain.signer, by=delegate(chain, nocheck=False))
    made_up = spoiled(ocsp_of(chain.ca, chain.signer))
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge({CA_CRL: crl_of(chain.root)}, policy=SOFT, ocsp=[made_up, by_delegate])


def test_what_somebody_made_up_about_a_delegate_is_not_forgotten_over_what_is_missing(
    refused: Refused, chain: Chain
) -> None:
    urls = ("http://responder-crl.example/1", "http://responder-crl.example/2")
    responder = chain.ca.issue(
        common_name="the responder",
        key=chain.signer.key,
        extended_key_usages=("1.3.6.1.5.5.7.3.9",),
        more_extensions=[points(*urls)],
    )
    answers = {OCSP: ocsp_of(chain.ca, chain.signer, by=responder), urls[0]: spoiled(crl_of(chain.ca))}
    with refused(RevocationUnknownError, "whether certificate 'the signer' is revoked is not known"):
        chain.judge({CA_CRL: crl_of(chain.root), **answers}, policy=SOFT)
    assert chain.urls[:3] == [OCSP, *urls]


def test_an_answer_counts_no_longer_than_its_delegate_is_vouched_for(chain: Chain) -> None:
    answers = {
        OCSP: ocsp_of(chain.ca, chain.signer, by=delegate(chain, nocheck=False)),
        LEAF_CRL: crl_of(chain.ca, until=NOW + HOUR),
        CA_CRL: crl_of(chain.root, until=NOW + 5 * HOUR),
    }
    findings = chain.judge(answers)
    assert findings.evidence[0].next_update == NOW + 2 * HOUR
    assert findings.valid_until == NOW + HOUR


def test_the_entries_of_a_crl_from_a_network_are_not_read_before_its_signature(chain: Chain) -> None:
    reason = b"\x0a\x01\x01"
    der = crl_of(chain.ca, {5: COMPROMISE})
    assert der.count(reason) == 1
    answers = {LEAF_CRL: der.replace(reason, b"\x0a\x01\x63"), CA_CRL: crl_of(chain.root)}  # CRLReason 99
    with pytest.raises(RevocationUnknownError) as caught:
        chain.judge(answers, policy=SOFT)
    assert "the signature on the CRL does not fit its signer" in caught.value.detail
