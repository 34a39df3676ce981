"""Harnesses of the parsers of text: base64, JSON, the signature field, field lines, digests, OIN and KVK number, tokens of FSC.

Each is held against the reference: accepted exactly what the reference accepts, and with the same value.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from nlgov_jades import BodyDigest, Fields, Kvk, Oin
from nlgov_jades.ddas.fsc import read_token, transaction_id
from nlgov_jades.ddas.problems import ProblemError
from nlgov_jades.digest import DigestAlgorithm, compare, digest_field_value, parse_content_digest, parse_digest
from nlgov_jades.encoding import base64_decode, base64url_decode, base64url_encode, json_object
from nlgov_jades.errors import ConfigurationError, MalformedSignatureError, VerificationError, quoted
from nlgov_jades.jws import parse_detached, serialize
from nlgov_jades.pki.identity import OIN_PREFIXES, kvk_of, oin_of

from . import reference
from .choices import Choices
from .harness import ACCEPTED, Harness, check, label
from .plain_json import json_object as plain_json_object
from .vectors import field_values, vectors

__all__ = ["HARNESSES"]

MAX_SHOWN = 12 * 80 + 40
"""Characters of what `quoted` makes of 80: each may become `\\u{10ffff}`."""


def text_of(data: bytes) -> str:
    """Text of any kind: UTF-8 where it is, with half pairs for what is not, and ISO-8859-1 behind an octet of zero."""
    return data[1:].decode("iso-8859-1") if data[:1] == b"\0" else data.decode("utf-8", "surrogateescape")


def run_base64(data: bytes) -> str:
    text = text_of(data)
    shown = quoted(text)
    check(shown.isprintable() and "[" not in shown and len(shown) <= MAX_SHOWN, "quoted does not hold")
    plain, url = reference.base64_octets(text), reference.base64url_octets(text)
    found: list[bytes | None] = []
    words = set()
    raw = text.encode("utf-8", "surrogatepass")
    decoders: tuple[Callable[[], bytes], ...] = (lambda: base64_decode(text, "it"), lambda: base64url_decode(raw, "it"))
    for decode in decoders:
        try:
            found.append(decode())
            words.add(ACCEPTED)
        except MalformedSignatureError as error:
            words.add(label(error))
            found.append(None)
    check(found == [plain, url], "base64 is read otherwise than by the reference")
    check(base64url_encode(data) == base64.urlsafe_b64encode(data).rstrip(b"="), "base64url is written otherwise")
    check(not data or base64url_decode(base64url_encode(data), "it") == data, "base64url does not come back")
    return ACCEPTED if ACCEPTED in words else words.pop()


def run_json(data: bytes) -> str:
    wanted = plain_json_object(data)
    try:
        value = json_object(data, "it")
    except MalformedSignatureError as error:
        check(wanted is None, "JSON is refused that the reference reads")
        return label(error)
    check(wanted is not None, "JSON is read that the reference refuses")
    check(repr(value) == repr(wanted), "JSON is read otherwise than by the reference")
    for again in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        try:
            check(repr(json_object(again.encode(), "it")) == repr(value), "JSON does not come back")
        except MalformedSignatureError:
            # 1E18 is written as 1e+18, but 100000000000000000000.0 stays as long as it was.
            check("e" in again or "." in again, "JSON that was written is refused")
    return ACCEPTED


def run_jws(data: bytes) -> str:
    value = text_of(data)
    wanted = reference.jws(value)
    try:
        parsed = parse_detached(value)
    except MalformedSignatureError as error:
        check(wanted is None, "a field is refused that the reference reads")
        return label(error)
    check(wanted is not None, "a field is read that the reference refuses")
    got = (parsed.encoded_header.decode("ascii"), parsed.protected, parsed.signature)
    check(got == wanted, "a field is read otherwise than by the reference")
    check(serialize(parsed.encoded_header, parsed.signature) == value, "a field has two spellings")
    check(len(value) <= 32 * 1024, "a field is read that is too long")
    return ACCEPTED


def run_fields(data: bytes) -> str:
    # A line `name: value`; everything else an HTTP parser has done before.
    lines = [(name, value) for name, _, value in (line.partition(b":") for line in data.split(b"\n"))]
    fields = Fields(lines)
    plain = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]
    check(list(fields) == plain and len(fields) == len(plain), "a line is lost or changed")
    check(Fields(plain) == fields, "text and octets give other fields")
    tokens = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
    check(fields.odd_names == tuple(name for name, _ in plain if not tokens.fullmatch(name)), "an odd name is missed")
    half = len(lines) // 2
    joined = Fields(lines[:half]) + lines[half:]
    for name in {name for name, _ in plain} | {"digest", "Digest", "\u212aey"}:
        wanted = [value.strip(" \t") for other, value in plain if reference.lower(other) == reference.lower(name)]
        for made in (fields, joined):
            check(list(made.get_all(name)) == wanted, "get_all gives other values")
            check(made.combined(name) == (", ".join(wanted) if wanted else None), "combined gives another value")
            check((name in made) == bool(wanted), "a field is there and is not")
    check(repr(fields) == f"<Fields: {len(plain)} lines>", "a repr says more than it should")
    return "odd" if fields.odd_names else ACCEPTED


def run_digest(data: bytes) -> str:
    head, _, body = data.partition(b"\n")
    value = text_of(head)
    words = []
    passing = BodyDigest(DigestAlgorithm)
    for start in range(0, len(body), 7):
        passing.update(body[start : start + 7])
    for parse, content in ((parse_digest, False), (parse_content_digest, True)):
        wanted = reference.digests(value, content=content)
        try:
            stated = parse(value)
        except VerificationError as error:
            words.append(label(error))
            check(wanted is None, "a digest is refused that the reference reads")
            continue
        check({item.value.lower(): octets for item, octets in stated.items()} == wanted, "a digest is read otherwise")
        assert wanted is not None
        for given in (body, passing):
            try:
                compare(stated, given)
                fits = True
                words.append(ACCEPTED)
            except VerificationError as error:
                words.append(label(error))
                fits = False
            check(fits is reference.digests_fit(wanted, body), "a body is taken for another")
    emitted = digest_field_value(body)
    check(emitted == digest_field_value(passing), "a body in pieces has another digest")
    compare(parse_digest(emitted), body)
    return ACCEPTED if ACCEPTED in words else words[0]


# --- who a certificate speaks for ----------------------------------------------------------------------------

_NAME_OIDS = (
    NameOID.SERIAL_NUMBER,
    NameOID.ORGANIZATION_IDENTIFIER,
    NameOID.COMMON_NAME,
    NameOID.SURNAME,
    NameOID.GIVEN_NAME,
    NameOID.PSEUDONYM,
    NameOID.ORGANIZATION_NAME,
)
_PERSONAL = {NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.PSEUDONYM}


def is_oin(text: str) -> bool:
    """By hand: 20 positions, a known prefix, and the form of the number behind it."""
    if len(text) != 20 or not text.isascii() or text[:8] not in OIN_PREFIXES:
        return False
    if not all(c.isdigit() or c.isupper() for c in text):
        return False
    number, rest = (text[8:16], text[16:]) if text[:8] == "00000003" else (text[8:17], text[17:])
    if text[:8] in {"00000001", "00000003"} and not number.isdigit():
        return False
    return text[:8] == "00000004" or set(rest) == {"0"}


def run_identity(data: bytes) -> str:
    choices = Choices(data)
    attributes = [(choices.pick(_NAME_OIDS), choices.text(40)) for _ in range(choices.below(5))]
    for text in [text for _, text in attributes] or [text_of(data)]:
        for kind, wanted in ((Oin, is_oin(text)), (Kvk, bool(re.fullmatch("[0-9]{8}", text, re.ASCII)))):
            try:
                check(str(kind(text)) == text and wanted, f"{kind.__name__} is read that the reference refuses")
            except ConfigurationError as error:
                label(error)
                check(not wanted, f"{kind.__name__} is refused that the reference reads")
    try:
        name = x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])
    except ValueError:
        return "no name"
    subject: Any = SimpleNamespace(subject=name)
    oin, kvk = oin_of(subject), kvk_of(subject)
    check((oin and str(oin), kvk and str(kvk)) == identity_of(attributes), "another identity than by the reference")
    return "nobody" if oin is None and kvk is None else ACCEPTED


def identity_of(attributes: list[tuple[x509.ObjectIdentifier, str]]) -> tuple[str | None, str | None]:
    """OIN and KVK number of an organisation with these names, by hand."""
    if any(oid in _PERSONAL for oid, _ in attributes):
        return None, None
    serials = [text for oid, text in attributes if oid == NameOID.SERIAL_NUMBER]
    oin = serials[0] if len(serials) == 1 and is_oin(serials[0]) else None
    identifiers = [text for oid, text in attributes if oid == NameOID.ORGANIZATION_IDENTIFIER]
    numbers = {oin[8:16]} if oin is not None and oin.startswith("00000003") else set()
    for text in identifiers:
        if text[:5].upper() == "NTRNL" or text.upper().startswith("NTRNL"):
            if len(identifiers) > 1 or not re.fullmatch("NTRNL-[0-9]{8}", text, re.ASCII):
                return oin, None
            numbers.add(text[6:])
    return oin, numbers.pop() if len(numbers) == 1 else None


# --- what an FSC inway passes on -----------------------------------------------------------------------------


def run_fsc(data: bytes) -> str:
    if data.startswith(b"{"):
        # The claims of a token, so that mutations are of what is inside.
        data = b".".join((base64url_encode(b'{"alg":"RS256"}'), base64url_encode(data), b"c2ln"))
    value = text_of(data)
    fields = Fields([("Fsc-Transaction-Id", data[:64])])
    try:
        found = transaction_id(fields)
        check(found is None or re.fullmatch("[0-9a-f-]{36}", found), "a transaction id is taken that is none")
    except ProblemError as error:
        label(error)
    try:
        token = read_token(value)
    except ProblemError as error:
        return label(error, [value] if len(value) > 24 else [])
    parts = re.sub("^[Bb][Ee][Aa][Rr][Ee][Rr] +", "", value).split(".")
    header, claims, _ = map(reference.base64url_octets, parts)
    stated, head = plain_json_object(claims or b""), plain_json_object(header or b"")
    check(len(parts) == 3 and stated is not None and head is not None, "a token is read that the reference refuses")
    assert stated is not None
    assert head is not None
    check("crit" not in head and re.fullmatch("[RE]S(256|384|512)", head["alg"]), "a token with another algorithm")
    got = (token.grant, token.group, token.subject, token.issuer, token.service)
    check(got == tuple(stated[name] for name in ("gth", "gid", "sub", "iss", "svc")), "a claim is read otherwise")
    check(all(got) and token.audience, "a claim is empty")
    times = (token.not_before.timestamp(), token.expires.timestamp())
    check(times == (stated["nbf"], stated["exp"]), "a time is read otherwise")
    check(base64url_encode(token.certificate).decode() == stated["cnf"]["x5t#S256"], "another certificate is read")
    check(token.actor == stated.get("act", {}).get("sub"), "another actor is read")
    return ACCEPTED


# --- seeds ---------------------------------------------------------------------------------------------------


def headers() -> list[bytes]:
    """The protected headers of the vectors that have one."""
    parsed = (reference.jws(value) for value in field_values())
    return list(dict.fromkeys(found[1] for found in parsed if found is not None))


def short_headers() -> list[bytes]:
    """The same with certificates cut short, for parsers that do not read those."""
    return list(dict.fromkeys(re.sub(rb"[A-Za-z0-9+/=]{200,}", b"MIIB", header) for header in headers()))


def json_seeds() -> list[bytes]:
    deep = [
        b"[" * 40_000,
        b'{"a":' * 8_000,
        b'{"a":' * 8 + b"1" + b"}" * 8,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'{"a":"' + b"[" * 20_000 + b'"}',
    ]
    odd = [
        b'{"a":"' + b"\\" * 39_000,
        b'{"a":%s}' % (b"9" * 5_000),
        b'{"a":"\\ud83d\\ude00\\ud83d"}',
        b' {"a" : 1 } \n',
        b"{}",
        b'{"a":1}x',
    ]
    return [*short_headers(), *deep, *odd]


def field_seeds() -> list[bytes]:
    short = [base64url_encode(header) + b"..c2lnbmF0dXJl" for header in short_headers()]
    odd = [value.encode("utf-8") for value in field_values() if reference.jws(value) is None]
    longest = b"e30.." + b"A" * (32 * 1024 - 5)
    return [*short, *odd, field_values()[0].encode(), longest, longest + b"A", b"A" * 40_000]


def _values(*names: str) -> list[bytes]:
    found = {
        value.encode("utf-8") for vector in vectors() for name, value in vector.message.fields if name.lower() in names
    }
    return sorted(found)


def digest_seeds() -> list[bytes]:
    body = b'{"besluit":"toegekend"}'
    fitting = [digest_field_value(body).encode() + b"\n" + body]
    many = b",".join(b"x%d=1" % number for number in range(400))
    found = [value + b"\n" + body for value in _values("digest", "content-digest")]
    value = fitting[0].partition(b"\n")[0]
    long = [(value + b"," + many)[:length] + b"\n" + body for length in (2046, 2047, 2048, 2049, 2050, 2400)]
    return [*fitting, *found, *long, b"," * 2049]


def line_seeds() -> list[bytes]:
    odd = [
        b"Di gest: 1\nDigest : 2\n: 3\n\xe2\x84\xaaey: 4",
        b"a:1\n" * 900,
        b"\xc0" * 70 + b": 1\n" + b"\xe0" * 70 + b": 2",
    ]
    return odd + [
        "\n".join(f"{name}: {value}"[:300] for name, value in vector.message.fields).encode("latin-1")
        for vector in vectors()[::9]
    ]


def identity_seeds() -> list[bytes]:
    texts = [
        "00000001002220647000",
        "00000003123456780000",
        "00000004000000001001",
        "NTRNL-12345678",
        "VATNL-1",
        "Jansen",
    ]
    one = [bytes([1, index, len(text)]) + text.encode() for text in texts for index in range(3)]
    personal = [bytes([2]) + one[0][1:] + bytes([index, 6]) + b"Jansen" for index in (3, 4, 5)]
    return one + personal + [bytes([2]) + first[1:] + second[1:] for first in one[::3] for second in one]


def fsc_seeds() -> list[bytes]:
    claims = {
        "gth": "$1$1$hash", "gid": "fsc.group.example", "sub": "00000001002220647000", "iss": "00000001002220647000",
        "svc": "ddas", "aud": "https://inway.example", "nbf": 1700000000, "exp": 1700000300,
        "cnf": {"x5t#S256": base64url_encode(bytes(32)).decode()},
    }  # fmt: skip
    more: tuple[dict[str, Any], ...] = (
        {}, {"aud": ["a", "b"]}, {"act": {"sub": "00000001123456782000"}}, {"exp": "1"}, {"cnf": 1}, {"gth": 1}, {"sub": ""}, {"aud": []},
    )  # fmt: skip
    made = [json.dumps(claims | changes).encode() for changes in more]
    twice = made[0][:-1] + b',"sub":"00000001123456782000"}'
    token = b".".join(map(base64url_encode, (b'{"alg":"ES256"}', made[0], b"signature")))
    return [*made, twice, token, b"Bearer " + token, b"3fa85f64-5717-4562-b3fc-2c963f66afa6"]


JSON_WORDS = (b'"', b"{}", b"[]", b'"x":1,', b"\\u0041", b"\\ud83d\\ude00", b"\\ud800", b"NaN", b"1e400", b"-0", b"1E2",
              b"\xef\xbb\xbf", b"[[[[[[[[", b"]]]]]]]]", b'{"a":', b" ", b"\t", b"null", b"9223372036854775808")  # fmt: skip

HARNESSES = (
    Harness(
        "base64",
        "read exactly what one spelling encodes, as Python's decoder and encoder together say; `quoted` is printable and bounded",
        run_base64,
        lambda: [b"SGk=", b"SGk", b"SGl=", b"_-8", b"+/8=", b"\0\xe9", *short_headers()[:20]],
        (b"=", b"==", b"-", b"_", b"+", b"/", b"\n", b"\xc3\xa9", b"AAAA"),
        600,
    ),
    Harness("json", "read exactly what a plain parser of RFC 8259 with our limits reads, to the same value; it comes back when written",
            run_json, json_seeds, JSON_WORDS, 40_000),
    Harness("signature-field", "read exactly what the reference reads, and written again it is the same text",
            run_jws, field_seeds, (b"..", b".", b"=", b", ", b"e30", b"A", b"_", b"\xc3\xa9"), 40_000),
    Harness("fields", "every line is kept; values by name are those of a plain loop over the lines",
            run_fields, line_seeds, (b"\n", b": ", b"Digest: ", b"\xe2\x84\xaa", b"\t", b"\r")),
    Harness("digest", "read exactly what the reference reads; a body is taken exactly when hashlib gives every stated digest",
            run_digest, digest_seeds, (b"SHA-256=", b"sha-512=", b"sha-256=:", b":", b",", b"MD5=", b"=", b"\n"), 6000),
    Harness("identity", "an OIN or a KVK number is its text, and exactly the texts and subjects of the reference have one",
            run_identity, identity_seeds, (b"0000", b"NTRNL-", b"00000003", b"12345678", b"\xc4\xb1"), 300),
    Harness("fsc-token", "what is read of a token are its claims, as a plain parser reads them; a refusal quotes nothing",
            run_fsc, fsc_seeds, (*JSON_WORDS, b".", b"Bearer ")),
)  # fmt: skip
