"""Each harness can fail: the library is made wrong in one way, and the oracle notices in its seeds or in some mutations."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from fuzz.choices import mutations
from fuzz.harness import MAX_TEXT, Finding, Harness, check, label
from fuzz.plain_json import json_object as plain_json_object
from fuzz.table import HARNESSES

from nlgov_jades import errors
from nlgov_jades.beginnings import Beginnings, ReadSignature
from nlgov_jades.digest import parse_digest
from nlgov_jades.encoding import json_object
from nlgov_jades.jws import parse_detached
from nlgov_jades.verdicts import VerdictStore

Sabotage = Callable[..., object]


def nothing(*_: object, **__: object) -> None:
    """In place of a check."""


def foreign(*_: object, **__: object) -> NoReturn:
    raise KeyError("a foreign exception")


def refusing(*_: object, **__: object) -> NoReturn:
    raise errors.InvalidSignatureError("no")


def no_path(*_: object, **__: object) -> NoReturn:
    raise errors.CertificatePathError("no")


def lenient_base64(text: str, _: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        raise errors.MalformedSignatureError("no") from None


def lenient_json(octets: bytes, what: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(octets)
    except (ValueError, RecursionError):
        return json_object(octets, what)
    return value if isinstance(value, dict) else json_object(octets, what)


def lenient_field(value: str) -> object:
    return parse_detached(value.rstrip("="))


def lenient_digest(value: str) -> object:
    return parse_digest(value.rpartition(",")[2])


def any_path(leaf: Any, untrusted: Any, trust: Any, _: object) -> object:
    return leaf, *untrusted[:1], trust.anchors[0]


def old_verdict(self: VerdictStore, key: bytes, **_: object) -> object:
    return self._younger.get(key)


def long_life(*_: object, **__: object) -> dt.datetime:
    return dt.datetime.max.replace(tzinfo=dt.UTC)


_with_beginning = Beginnings._with_beginning


def merging(self: Beginnings, value: str) -> object:
    """Without the question whether the rest names a member again."""
    known = self._younger.get(value[:512])
    if known is None or not value.startswith(known.text):
        return None
    encoded, _, signature = value[len(known.text) :].partition("..")
    rest = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    try:
        members = json.loads(b"{" + rest[len(known.left) :])
    except ValueError:
        return None
    octets = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return ReadSignature(
        known.octets + rest, known.members | members, octets, known.hasher.copy(), encoded.encode(), known
    )


def careless(self: Beginnings, value: str) -> object:
    """Feeds the hasher that others copy."""
    read = _with_beginning(self, value)
    if read is not None and read.beginning is not None:
        read.beginning.hasher.update(b"x")
    return read


SABOTAGES: list[tuple[str, str, Sabotage]] = [
    ("base64", "fuzz.parsers.base64_decode", lenient_base64),
    ("base64", "fuzz.parsers.quoted", str),
    ("base64", "fuzz.parsers.base64url_decode", foreign),
    ("json", "fuzz.parsers.json_object", lenient_json),
    ("json", "nlgov_jades.encoding._has_lone_surrogate", nothing),
    ("json", "nlgov_jades.encoding._check_depth", nothing),
    ("signature-field", "fuzz.parsers.parse_detached", lenient_field),
    ("signature-field", "nlgov_jades.jws.MAX_FIELD_LENGTH", 1 << 20),  # type: ignore[list-item]  # a number, patched alike
    ("signature-field", "nlgov_jades.jws._what_is_wrong", foreign),
    ("fields", "nlgov_jades.message.Fields.get_all", lambda self, name: self._by_name.get(name.lower(), [])[:1]),
    ("fields", "nlgov_jades.message.ascii_lower", str.casefold),
    ("digest", "fuzz.parsers.parse_digest", lenient_digest),
    ("digest", "fuzz.parsers.compare", nothing),
    ("digest", "nlgov_jades.digest.MAX_DIGEST_FIELD", 1 << 20),  # type: ignore[list-item]  # the same
    ("identity", "nlgov_jades.pki.identity._fits", lambda *_: True),
    ("identity", "nlgov_jades.pki.identity._is_personal", lambda _: False),
    ("fsc-token", "nlgov_jades.ddas.fsc._text", str),
    ("fsc-token", "nlgov_jades.ddas.fsc.json_object", lenient_json),
    ("fsc-token", "nlgov_jades.ddas.fsc._thumbprint", foreign),
    ("protected-header", "nlgov_jades.jades._CRITICAL", frozenset()),  # type: ignore[list-item]  # a set, patched alike
    ("protected-header", "nlgov_jades.jades.check_references", nothing),
    ("protected-header", "nlgov_jades.jades.check_algorithm", nothing),
    ("protected-header", "nlgov_jades.jades.MAX_X5C", 50),  # type: ignore[list-item]  # the same
    ("protected-header", "nlgov_jades.jades._sig_t", foreign),
    ("capture", "nlgov_jades.cli.capture._check_content_length", nothing),
    ("capture", "nlgov_jades.cli.capture._check_trailer", foreign),
    ("capture", "nlgov_jades.cli.capture._dechunked", bytes),
    ("certificate", "nlgov_jades.pki.path._search", any_path),
    ("certificate", "nlgov_jades.pki.path.checks.check_signer", nothing),
    ("certificate", "fuzz.certificates.display_name", lambda item: item.subject.rfc4514_string() + "\x1b"),
    ("ocsp", "nlgov_jades.pki.ocsp.check_signature", nothing),
    ("ocsp", "nlgov_jades.pki.ocsp._refuse_critical", nothing),
    ("ocsp", "nlgov_jades.pki.ocsp._is_about", lambda *_: True),
    ("ocsp", "nlgov_jades.pki.ocsp._check_delegate", nothing),
    ("crl", "nlgov_jades.pki.crl.check_signature", nothing),
    ("crl", "nlgov_jades.pki.crl.Crl.entry", nothing),
    ("crl", "nlgov_jades.pki.crl._names_deltas", nothing),
    ("crl", "nlgov_jades.pki.crl._reason", nothing),
    ("verifier", "nlgov_jades.steps.verify_signature", nothing),
    ("verifier", "nlgov_jades.steps.verify_signature", refusing),
    ("verifier", "nlgov_jades.steps.compare", nothing),
    ("verifier", "nlgov_jades.steps.check_pars", nothing),
    ("verifier", "nlgov_jades.steps._check_uncovered", nothing),
    ("verifier", "nlgov_jades.steps._check_verifiable", nothing),
    ("verifier", "nlgov_jades.verification.check_times", nothing),
    ("verifier", "nlgov_jades.verification.check_signer", nothing),
    ("verifier", "nlgov_jades.pki.path.valid_policies", nothing),
    ("verifier", "nlgov_jades.jades.check_references", nothing),
    ("verifier", "nlgov_jades.jades.check_critical", nothing),
    ("verifier", "nlgov_jades.pki.path._search", any_path),
    ("verifier", "nlgov_jades.pki.path.checks.check_signer", nothing),
    ("verifier", "nlgov_jades.jades.quoted", str),
    ("verifier", "nlgov_jades.jades.read_times", foreign),
    ("sequence", "nlgov_jades.verdicts.VerdictStore.find", old_verdict),
    ("sequence", "nlgov_jades.verification.lifetime", long_life),
    ("sequence", "nlgov_jades.beginnings.ReadSignature.verdict_key", lambda *_: b"one for all"),
    ("sequence", "nlgov_jades.beginnings.Beginnings._with_beginning", merging),
    ("sequence", "nlgov_jades.beginnings.Beginnings._with_beginning", careless),
    ("jws-and-jwcrypto", "fuzz.second_jws.verify_signature", nothing),
    ("jws-and-jwcrypto", "fuzz.second_jws.verify_signature", refusing),
    ("jws-and-jwcrypto", "fuzz.second_jws.check_key", foreign),
    ("path-and-pyhanko", "fuzz.second_path.build_path", nothing),
    ("path-and-pyhanko", "fuzz.second_path.build_path", no_path),
    ("path-and-pyhanko", "nlgov_jades.pki.path.valid_policies", nothing),
    ("path-and-pyhanko", "nlgov_jades.pki.path.checks.check_authorities", nothing),
]


def first_failure(harness: Harness) -> BaseException | None:
    seeds = harness.seeds()
    for octets in itertools.chain(seeds, mutations(seeds, harness.words, 600, start=1)):
        try:
            harness.run(octets[: harness.longest])
        except (Finding, KeyError) as error:
            return error
    return None


@pytest.mark.parametrize(("name", "target", "wrong"), SABOTAGES, ids=[f"{name}-{target}-{getattr(wrong, '__name__', 'value')}" for name, target, wrong in SABOTAGES])  # fmt: skip
def test_a_harness_notices_that_the_library_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, target: str, wrong: Sabotage
) -> None:
    HARNESSES[name].seeds()  # made with the library as it is
    monkeypatch.setattr(target, wrong)
    assert first_failure(HARNESSES[name]) is not None


def test_every_harness_is_sabotaged() -> None:
    assert {name for name, _, _ in SABOTAGES} == HARNESSES.keys()


# --- what every refusal must be like -------------------------------------------------------------------------


def caught(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as made:
        return made


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("x"), "a foreign exception: KeyError"),
        (errors.MalformedSignatureError("a\nb"), "holds what a terminal or a log obeys"),
        (errors.MalformedSignatureError("a\u202eb"), "holds what a terminal or a log obeys"),
        (errors.MalformedSignatureError("a" * (MAX_TEXT + 1)), "characters"),
        (errors.MalformedSignatureError(""), "says nothing"),
        (errors.MalformedSignatureError("the body is geheim"), "tells a secret"),
        (caught(errors.MalformedSignatureError("x"), KeyError("body")), "drags KeyError along"),
    ],
)
def test_a_refusal_that_is_not_as_it_must_be_is_a_finding(error: Exception, words: str) -> None:
    with pytest.raises(Finding, match=words):
        label(error, ["geheim"])


def test_a_refusal_that_is_as_it_must_be_gives_its_code() -> None:
    assert label(errors.DigestMismatchError("the body was changed"), ["geheim"]) == "DIGEST_MISMATCH"
    assert label(caught(errors.RevocationUnknownError("x"), errors.FetchError("y"))) == "REVOCATION_UNKNOWN"


def test_a_check_that_does_not_hold_is_a_finding() -> None:
    check(holds=True, what="holds")
    with pytest.raises(Finding, match="does not"):
        check(holds=None, what="does not")


# --- the reference -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b'{"a":[1,-0,1.5e2,true,null,"\\u00e9\\n\\ud83d\\ude00"]}', {"a": [1, 0, 150.0, True, None, "\u00e9\n\U0001f600"]}),
        (b" {} \n", {}),
        (b"[]", None),
        (b'{"a":1,"a":1}', None),
        (b'{"a":1,}', None),
        (b'{"a":01}', None),
        (b'{"a":"\\ud800"}', None),
        (b'{"a":NaN}', None),
        (b'{"a":1e999}', None),
        (b"\xef\xbb\xbf{}", None),
        (b'{"a":' * 8 + b"1" + b"}" * 8, "deep"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, None),
        (b'{"a":12345678901234567890}', None),
        (b'{"a":"\t"}', None),
        (b"{}x", None),
    ],
)  # fmt: skip
def test_the_plain_parser_reads_what_rfc_8259_and_our_limits_allow(octets: bytes, value: object) -> None:
    found = plain_json_object(octets)
    assert (found is not None) if value == "deep" else (found == value)
