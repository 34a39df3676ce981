"""The message of each case: a good one with one deviation. Nothing is sent or judged here.

No HTTP library makes them: it would refuse most of what has to be sent, or repair it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ...errors import ConfigurationError
from ..asking import body_of
from ..question import END, PAGE, PAGE_SIZE, START, Question
from .cases import Answered, Case
from .catalogue_questions import UNKNOWN_PROPERTY
from .forging import (
    DIGEST,
    SIGNATURE,
    Draft,
    digest_of,
    flipped,
    mac_of,
    md5_of,
    padded,
    resigned,
    without_signature,
)
from .maker import Connections, Maker, Sending, UnavailableError
from .wire import Ending

__all__ = ["MAKERS"]

DAY: Final = dt.timedelta(days=1)
AHEAD: Final = dt.timedelta(hours=1)
YOUNGEST: Final = dt.timedelta(minutes=10)
"""How old an `old` signing time is at least: within some minutes a provider has no reason to refuse."""

MISSING_OCTETS: Final = 64
"""What Content-Length promises and does not come."""


def _one(draft: Draft) -> Sending:
    return Sending(messages=(draft.octets(),))


# --- good messages -------------------------------------------------------------------------------------------------


def _asked(case: Case) -> Question:
    if not isinstance(case.expects, Answered):
        raise ConfigurationError("only a case that is answered has a question")
    return case.expects.question


def _good(maker: Maker, case: Case) -> Sending:
    return _one(maker.good(body_of(_asked(case))))


def _lower_case(maker: Maker, case: Case) -> Sending:
    draft = maker.good(body_of(_asked(case)))
    return _one(Draft(draft.target, [(name.lower(), value) for name, value in draft.lines], draft.body))


def _chunked(maker: Maker, case: Case) -> Sending:
    draft = maker.good(body_of(_asked(case))).without("Content-Length").plus("Transfer-Encoding", "chunked")
    return Sending(messages=(draft.octets(chunked=True),))


def _gzip_offered(maker: Maker, case: Case) -> Sending:
    return _one(maker.good(body_of(_asked(case))).replaced("Accept-Encoding", "gzip"))


def _twice(maker: Maker, case: Case) -> Sending:
    first, second = (maker.good(body_of(_asked(case))) for _ in range(2))
    return Sending(
        messages=(first.without("Connection").octets(), second.octets()),
        connections=Connections.ONE,
    )


# --- signature and digest ------------------------------------------------------------------------------------------


def _unsigned(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().without(SIGNATURE))


def _digest_missing(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().without(DIGEST))


def _digest_tampered(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().replaced(DIGEST, digest_of(b"another body")))


def _digest_algorithm(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(maker.resigned(draft.replaced(DIGEST, md5_of(draft.body)), {}))


def _digest_repeated(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().plus(DIGEST, digest_of(b"another body")))


def _signature_repeated(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.plus(SIGNATURE, draft.value(SIGNATURE)))


def _signature_tampered(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.replaced(SIGNATURE, flipped(draft.value(SIGNATURE))))


def _other_page(body: bytes) -> bytes:
    return body.replace(b'"page": 1', b'"page": 2')


def _body_tampered(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.with_body(_other_page(draft.body)))


def _body_reserialised(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.with_body(json.dumps(json.loads(draft.body), separators=(",", ":")).encode()))


def _body_and_digest(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    body = _other_page(draft.body)
    return _one(draft.with_body(body).replaced(DIGEST, digest_of(body)))


def _algorithm_none(maker: Maker, _: Case) -> Sending:
    return _one(maker.resigned(maker.paged(), {"alg": "none"}))


def _signature_empty(maker: Maker, _: Case) -> Sending:
    draft = maker.resigned(maker.paged(), {"alg": "none"})
    return _one(draft.replaced(SIGNATURE, without_signature(draft.value(SIGNATURE))))


def _algorithm_hmac(maker: Maker, _: Case) -> Sending:
    draft = maker.resigned(maker.paged(), {"alg": "HS256"})
    value = mac_of(draft.value(SIGNATURE), f"digest: {draft.value(DIGEST)}", maker.credentials.good)
    return _one(draft.replaced(SIGNATURE, value))


def _crit_unknown(maker: Maker, _: Case) -> Sending:
    return _one(maker.resigned(maker.paged(), {"crit": ["b64", "sigD", "probe"], "probe": 1}))


def _digest_not_covered(maker: Maker, _: Case) -> Sending:
    sigd = {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["content-type"]}
    return _one(maker.resigned(maker.paged(), {"sigD": sigd}))


def _early_dialect(maker: Maker, _: Case) -> Sending:
    return _one(maker.early())


def _stolen_certificate(maker: Maker, _: Case) -> Sending:
    return _one(resigned(maker.paged(), {}, maker.credentials.foreign))


def _media_type(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().replaced("Content-Type", "text/plain"))


def _content_encoding(maker: Maker, _: Case) -> Sending:
    return _one(maker.paged().plus("Content-Encoding", "gzip"))


# --- certificate, time and replay ----------------------------------------------------------------------------------


def _foreign(maker: Maker, _: Case) -> Sending:
    return _one(maker.stranger())


def _material(maker: Maker, case: Case) -> Sending:
    if case.material is None:
        raise ConfigurationError("a case about another certificate says which")
    return _one(maker.as_material(case.material))


def _iat_old(maker: Maker, _: Case) -> Sending:
    now, begins = maker.now(), maker.credentials.good.chain[0].not_valid_before_utc
    at = max(now - DAY, begins)
    if now - at < YOUNGEST:
        minutes = int(YOUNGEST.total_seconds()) // 60
        raise UnavailableError(f"the signer's certificate began less than {minutes} minutes ago: try again later")
    return _one(maker.signed_at(at))


def _iat_future(maker: Maker, _: Case) -> Sending:
    at = maker.now() + AHEAD
    if at >= maker.credentials.good.chain[0].not_valid_after_utc:
        raise UnavailableError("the signer's certificate ends within the hour: give a newer one")
    return _one(maker.signed_at(at))


def _replay(maker: Maker, _: Case) -> Sending:
    octets = maker.paged().octets()
    return Sending(messages=(octets, octets))


# --- HTTP ----------------------------------------------------------------------------------------------------------


def _field_oversized(maker: Maker, _: Case) -> Sending:
    return _one(maker.resigned(maker.paged(), padded()))


def _length_short(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.replaced("Content-Length", str(len(draft.body) // 2)))


def _length_long(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    octets = draft.replaced("Content-Length", str(len(draft.body) + MISSING_OCTETS)).octets()
    return Sending(messages=(octets,), ending=Ending.HALF_CLOSED)


def _length_twice(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.plus("Content-Length", str(len(draft.body) // 2)))


def _length_twice_last(maker: Maker, _: Case) -> Sending:
    draft = maker.paged()
    return _one(draft.before("Content-Length", str(len(draft.body) // 2)))


def _length_and_chunked(maker: Maker, _: Case) -> Sending:
    return Sending(messages=(maker.paged().plus("Transfer-Encoding", "chunked").octets(chunked=True),))


# --- questions -----------------------------------------------------------------------------------------------------


def _question(members: Mapping[str, object]) -> Callable[[Maker, Case], Sending]:
    body = json.dumps(members).encode()
    return lambda maker, _: _one(maker.good(body))


def _octets(body: bytes) -> Callable[[Maker, Case], Sending]:
    return lambda maker, _: _one(maker.good(body))


MAKERS: Final[Mapping[str, Callable[[Maker, Case], Sending]]] = MappingProxyType(
    {
        "good-page": _good,
        "good-whole": _good,
        "good-period": _good,
        "good-page-second": _good,
        "good-page-beyond": _good,
        "good-lower-case": _lower_case,
        "good-chunked": _chunked,
        "good-gzip-offered": _gzip_offered,
        "good-twice": _twice,
        "unsigned": _unsigned,
        "digest-missing": _digest_missing,
        "digest-tampered": _digest_tampered,
        "digest-algorithm": _digest_algorithm,
        "digest-repeated": _digest_repeated,
        "signature-repeated": _signature_repeated,
        "signature-tampered": _signature_tampered,
        "body-tampered": _body_tampered,
        "body-reserialised": _body_reserialised,
        "body-and-digest": _body_and_digest,
        "algorithm-none": _algorithm_none,
        "signature-empty": _signature_empty,
        "algorithm-hmac": _algorithm_hmac,
        "crit-unknown": _crit_unknown,
        "digest-not-covered": _digest_not_covered,
        "early-dialect": _early_dialect,
        "stolen-certificate": _stolen_certificate,
        "media-type": _media_type,
        "content-encoding": _content_encoding,
        "root-foreign": _foreign,
        "certificate-expired": _material,
        "certificate-revoked": _material,
        "oin-other": _material,
        "iat-old": _iat_old,
        "iat-future": _iat_future,
        "replay": _replay,
        "field-oversized": _field_oversized,
        "length-short": _length_short,
        "length-long": _length_long,
        "length-twice": _length_twice,
        "length-twice-last": _length_twice_last,
        "length-and-chunked": _length_and_chunked,
        "dates-reversed": _question({START: "2025-03-31", END: "2025-01-01", PAGE: 1, PAGE_SIZE: 5}),
        "date-impossible": _question({START: "2025-02-30", PAGE: 1, PAGE_SIZE: 5}),
        "property-unknown": _question({UNKNOWN_PROPERTY: "x", PAGE: 1, PAGE_SIZE: 5}),
        "type-wrong": _question({PAGE: "1", PAGE_SIZE: 5}),
        "page-zero": _question({PAGE: 0, PAGE_SIZE: 5}),
        "not-utf-8": _octets(b'{"aanleverende_organisatie": "S\xfadwest", "page": 1, "pageSize": 5}'),
        "not-json": _octets(b'{"page": 1, "pageSize"'),
        "good-again": _good,
    }
)
"""How the message of each case is made."""
