"""`nlgov-jades demo`: a DDAS request and its answer, signed, verified, and refused in three ways. On this machine only."""

from __future__ import annotations

import time
from importlib import resources
from typing import Any

import click

from .. import profiles
from ..errors import VerificationError
from ..message import HttpMessage, HttpRequest, HttpResponse
from ..pki.identity import Oin, common_name
from ..pki.trust import TrustStore
from ..policy import CertificateRequirements, RevocationPolicy, VerificationPolicy
from ..result import VerifiedMessage
from ..sign import Signer
from ..testing.hierarchy import Hierarchy, Issued
from ..verify import Verifier
from .failure import NotValid
from .inputs import json_option
from .output import Printer, plain

__all__ = ["demo"]

CBS_OIN, MUNICIPALITY_OIN = "00000099000000001000", "00000099000000002000"  # prefix 99: test numbers

DIGIT_BEFORE, DIGIT_AFTER = b"18250", b"18251"


@click.command()
@json_option
def demo(as_json: bool) -> None:
    """Sign, verify and refuse a DDAS exchange with throw-away certificates. Takes seconds, opens no connection."""
    _Demo(Printer(as_json=as_json)).run()


class _Demo:
    """One run: what it made, what it printed, what it found."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._steps: list[dict[str, Any]] = []
        self._failed = False

    def run(self) -> None:
        started = time.monotonic()
        say = self._printer.line
        say("A DDAS exchange: CBS asks, a municipality answers, both sign.", style="bold")
        say()
        say("1. A throw-away hierarchy in the shape of PKIoverheid: root, domain CA, TSP CA, two signers")
        hierarchy = Hierarchy.new()
        cbs = hierarchy.tsp.issue(common_name="ddas.cbs.example", organization="CBS (demo)", oin=CBS_OIN)
        municipality = hierarchy.tsp.issue(
            common_name="gegevens.sudermeer.example", organization="Gemeente Súdermeer (demo)", oin=MUNICIPALITY_OIN
        )
        for authority in (hierarchy.root, hierarchy.domain, hierarchy.tsp):
            say(f"     {common_name(authority.certificate)}", style="dim")
        say()

        say("2. CBS signs its question, the municipality verifies it")
        question = _signed(_question(), cbs)
        self._accept("question", question, _verifier(hierarchy.trust, CBS_OIN))
        say("3. The municipality signs its answer, CBS verifies it")
        answer = _signed(_answer(question), municipality)
        at_cbs = _verifier(hierarchy.trust, MUNICIPALITY_OIN)
        self._accept("answer", answer, at_cbs)

        say("4. What CBS refuses")
        changed = answer.with_body(_octets(answer).replace(DIGIT_BEFORE, DIGIT_AFTER))
        self._refuse("one byte of the body changed", changed, at_cbs, "DIGEST_MISMATCH")
        foreign = Hierarchy.new()  # the same names, other keys
        stranger = foreign.tsp.issue(common_name="gegevens.sudermeer.example", oin=MUNICIPALITY_OIN)
        self._refuse(
            "the same names under a foreign root", _signed(_answer(question), stranger), at_cbs, "CERTIFICATE_PATH"
        )
        line = next(pair for pair in answer.fields if pair[0] == profiles.DDAS.field_name)
        self._refuse("the signature field repeated", answer.with_fields([line]), at_cbs, "MALFORMED_SIGNATURE")

        seconds = time.monotonic() - started
        self._printer.result({"ok": not self._failed, "steps": self._steps, "seconds": round(seconds, 2)})
        if self._failed:
            say("Something did not come out as it must.", style="bold red")
            raise NotValid
        say(f"Two messages accepted, three refused, in {seconds:.1f} s. No connection was opened.", style="bold")
        say("Next: nlgov-jades dev-pki new FOLDER, then sign and verify messages of your own.")

    def _accept(self, name: str, message: HttpMessage, verifier: Verifier) -> None:
        try:
            verified = verifier.verify(message)
        except VerificationError as error:
            self._failed = True
            self._printer.line(f"     not valid: {error.code}: {error.detail}", style="bold red")
            self._steps.append({"message": name, "valid": False, "code": error.code})
            return
        self._printer.line("     valid", style="bold green")
        self._printer.facts(_facts(verified))
        self._printer.line()
        self._steps.append({"message": name, "valid": True, "oin": str(verified.signer.oin)})

    def _refuse(self, name: str, message: HttpMessage, verifier: Verifier, expected: str) -> None:
        try:
            verifier.verify(message)
        except VerificationError as error:
            self._failed |= error.code != expected
            self._printer.line(f"     {name}", style="bold")
            self._printer.line(f"       refused: {error.code}", style="bold red")
            self._printer.line(f"       {error.detail}")
            self._printer.line()
            self._steps.append({"message": name, "valid": False, "code": error.code})
            return
        self._failed = True
        self._printer.line(f"     {name}: accepted, which is wrong", style="bold red")
        self._steps.append({"message": name, "valid": True})


def _facts(verified: VerifiedMessage) -> dict[str, object]:
    return {
        "   signed by": plain(f"{verified.signer.organization}, OIN {verified.signer.oin}"),
        "   covers": f"{', '.join(verified.covered)} of {len(verified.body)} octets of body",
        "   signed at": f"{verified.signing_time:%Y-%m-%dT%H:%M:%SZ}",
        "   path": " > ".join(plain(common_name(certificate)) for certificate in verified.path),
    }


def _verifier(trust: TrustStore, oin: str) -> Verifier:
    policy = VerificationPolicy(
        profiles=(profiles.DDAS,),
        signers={Oin(oin)},
        certificate=CertificateRequirements.PKIOVERHEID_SIGNING,
        # The hierarchy lives for seconds and has no responder.
        revocation=RevocationPolicy.OFF,
    )
    return Verifier(trust=trust, policy=policy)


def _signed(message: Any, signer: Issued) -> Any:
    return message.with_fields(Signer(signer.credential, profile=profiles.DDAS).sign(message))


def _question() -> HttpRequest:
    body = _data("question.json")
    fields = [
        ("Host", "gegevens.sudermeer.example"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    return HttpRequest(method="POST", target="/v1/gegevens", fields=fields, body=body)


def _answer(question: HttpRequest) -> HttpResponse:
    body = _data("answer.json")
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return HttpResponse(status=200, fields=fields, body=body, request=question)


def _data(name: str) -> bytes:
    return resources.files("nlgov_jades.cli").joinpath("demo_data", name).read_bytes()


def _octets(message: HttpMessage) -> bytes:
    return message.body if isinstance(message.body, bytes) else b""
