"""The whole chain between processes: consumer → outway → inway → provider, signed and verified both ways, revocation on."""

from __future__ import annotations

import json

import httpx
import pytest

from nlgov_jades.ddas import Kind
from nlgov_jades.testing import Issued

from .chain import MUNICIPALITY, Chain, machine
from .meddling import Change, Meddler, drop_signature, drop_token, flip_last_but_one, nothing
from .program import PAGE_SIZE, RECORDS

TRANSACTION = "0197a3c1-9d2e-7f00-8a9b-0c1d2e3f4a5b"


@pytest.mark.parametrize("kind", [Kind.SHV, Kind.VS], ids=["SHV", "VS"])
def test_all_pages_come_through_the_gateways_and_are_verified_with_revocation(chain: Chain, kind: Kind) -> None:
    asked_before = chain.responder.count("/ocsp")
    found = chain.collect(f"$1$4$ddas-{kind.value.lower()}", kind=kind)
    assert found.told == ("ok", None, None)
    assert found.report.is_complete
    assert len(found.records) == 2 * RECORDS
    assert [page.number for page in found.pages] == [1, 2, 3]
    assert [page.count for page in found.pages] == [PAGE_SIZE, PAGE_SIZE, 2 * RECORDS - 2 * PAGE_SIZE]
    assert {str(page.verified.signer.oin) for page in found.pages} == {MUNICIPALITY}
    signature = found.only.signature
    assert signature is not None
    assert (signature.revocation.value, signature.revocation_source) == ("good", "ocsp")
    # This consumer's question at least; the provider asks once, and remembers.
    assert chain.responder.count("/ocsp") > asked_before


def test_the_transaction_id_of_the_consumer_is_in_the_log_of_each_machine(chain: Chain) -> None:
    assert chain.collect("$1$4$ddas-shv", fields={"Fsc-Transaction-Id": TRANSACTION}).told == ("ok", None, None)
    line = rf"(passed service|answered kind)=.*transaction_id={TRANSACTION}"
    assert {role for role in ("outway", "inway", "provider") if chain.logged(role, line)} == {
        "outway",
        "inway",
        "provider",
    }


def test_a_question_without_a_transaction_id_gets_one_that_the_provider_logs(chain: Chain) -> None:
    chain.collect("$1$4$ddas-vs", kind=Kind.VS)
    assert chain.logged("provider", r"answered kind=VS .*transaction_id=[0-9a-f]{8}-[0-9a-f]{4}-7")


def test_no_log_has_a_token_a_body_or_a_record(chain: Chain) -> None:
    found = chain.collect("$1$4$ddas-shv")
    assert chain.logged("outway", "passed service=ddas-shv status=200")
    logs = "".join(log.read_text() for log in chain.folder.glob("*.log"))
    assert "eyJ" not in logs
    assert "$1$4$" not in logs
    numbers = {client["Burgerservicenummer"] for record in found.records for client in record["client"]}
    assert len(numbers) > RECORDS
    assert [number for number in numbers if number in logs] == []


# --- revocation ----------------------------------------------------------------------------------------------------


def test_a_provider_whose_certificate_is_revoked_is_refused_by_the_consumer(chain: Chain) -> None:
    assert chain.collect("$1$4$ddas-shv").told == ("ok", None, None)
    chain.responder.revoke(chain.provider.certificate)
    try:
        found = chain.collect("$1$4$ddas-shv")
    finally:
        chain.responder.reinstate(chain.provider.certificate)
    assert found.told == ("refused", "CERTIFICATE_REVOKED", None)
    assert found.records == []


def test_a_consumer_whose_certificate_is_revoked_gets_a_signed_403(chain: Chain, late_port: int) -> None:
    assert chain.collect("$1$4$ddas-shv").told == ("ok", None, None)
    chain.responder.revoke(chain.consumer.certificate)
    about = json.loads((chain.folder / "about.json").read_text())
    try:
        # A provider that remembers nothing; the other one asked when the certificate was good.
        with machine("provider", chain.folder, kind="SHV", port=late_port, **about) as late:
            assert late.port == late_port
            found = chain.collect("$1$4$ddas-late")
    finally:
        chain.responder.reinstate(chain.consumer.certificate)
    # `problem`: the consumer verified the signature of the document. A gateway's would be `fsc-error`.
    assert found.told == ("problem", "CERTIFICATE_REVOKED", 403)
    assert found.records == []


# --- who signs -----------------------------------------------------------------------------------------------------


def test_a_consumer_that_signs_with_the_certificate_of_its_outway_is_refused(
    chain: Chain, signers: dict[str, Issued]
) -> None:
    grants = json.loads((chain.folder / "grants.json").read_text())
    with machine("outway", chain.folder, grants=grants, certificate="two-uses") as outway:
        same = chain.collect("$1$4$ddas-shv", signer=signers["two-uses"], outway=outway)
        other = chain.collect("$1$4$ddas-shv", outway=outway)
    assert same.told == ("problem", "FSC_TRANSPORT_CERTIFICATE", 403)
    assert other.told == ("ok", None, None)


def test_a_consumer_that_is_not_the_holder_of_the_token_is_refused(chain: Chain) -> None:
    stranger = chain.hierarchy.tsp.issue(common_name="other.example", oin="00000003876543210000")
    assert chain.collect("$1$4$ddas-shv", signer=stranger).told == ("problem", "SIGNER_NOT_ALLOWED", 403)


# --- errors of gateways --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "code", "status"),
    [
        ("meddled", "ERROR_CODE_ACCESS_TOKEN_MISSING", 401),
        ("invalid", "ERROR_CODE_ACCESS_TOKEN_INVALID", 401),
        ("expired", "ERROR_CODE_ACCESS_TOKEN_EXPIRED", 401),
        ("group", "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN", 403),
        ("elsewhere", "ERROR_CODE_SERVICE_NOT_FOUND", 404),
        ("ddas-closed", "ERROR_CODE_SERVICE_UNREACHABLE", 502),
    ],
)
def test_an_error_of_the_inway_is_reported_as_one_of_a_gateway(
    chain: Chain, meddler: Meddler, grant: str, code: str, status: int
) -> None:
    meddler.request, meddler.answer = drop_token, nothing
    found = chain.collect(f"$1$4${grant}")
    assert found.told == ("fsc-error", code, status)
    assert found.report.as_json()["totals"]["fsc-error"] == 1
    assert found.only.signature is None


class Connecting(httpx.AsyncHTTPTransport):
    """Sends another method than it is given."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.method = "CONNECT"
        request.extensions["target"] = b"gegevens.gemeente.example:443"
        return await super().handle_async_request(request)


def test_an_error_of_the_outway_is_reported_as_one_of_a_gateway(chain: Chain) -> None:
    found = chain.collect("$1$4$ddas-shv", transport=Connecting(trust_env=False))
    assert found.told == ("fsc-error", "ERROR_CODE_METHOD_UNSUPPORTED", 405)


def test_an_outway_refuses_what_names_no_grant_in_an_answer_that_is_none_of_a_gateway(chain: Chain) -> None:
    # FSC has no code for it.
    assert chain.collect("$1$4$nobody").told == ("refused", "SIGNATURE_MISSING", None)


# --- in between ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_change", "answer_change", "told"),
    [
        (nothing, nothing, ("ok", None, None)),
        (flip_last_but_one, nothing, ("problem", "DIGEST_MISMATCH", 400)),
        (drop_signature, nothing, ("problem", "SIGNATURE_MISSING", 400)),
        (nothing, flip_last_but_one, ("refused", "DIGEST_MISMATCH", None)),
        (nothing, drop_signature, ("refused", "SIGNATURE_MISSING", None)),
    ],
    ids=["nothing", "body of the request", "signature of the request", "body of the answer", "signature of the answer"],
)
def test_what_is_changed_between_outway_and_inway_is_caught(
    chain: Chain,
    meddler: Meddler,
    request_change: Change,
    answer_change: Change,
    told: tuple[str, str | None, int | None],
) -> None:
    meddler.request, meddler.answer = request_change, answer_change
    meddler.passed.clear()
    assert chain.collect("$1$4$meddled").told == told
    assert meddler.passed
