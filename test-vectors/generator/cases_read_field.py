"""Section 3, rules 1 to 3: the field, its size, its encoding and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from generator.encoding import b64url, other_trailing_bits
from generator.model import ACCEPT, CHAIN, MALFORMED, MISSING, PROFILES, Change, Draft, Message, swap

_FIELD = PROFILES["adr-payload"].field
_RSA3072 = ("leaf-rsa3072", "tsp-ca", "domain-ca")
MAX_FIELD = 32_768


def _renamed(name: str) -> Callable[[Message], Message]:
    def rename(message: Message) -> Message:
        return message.minus(_FIELD).plus((name, message.get(_FIELD)[0]))

    return rename


def _copied(name: str) -> Callable[[Message], Message]:
    return lambda message: message.plus((name, message.get(_FIELD)[0]))


def _presence() -> Iterator[Draft]:
    yield Draft("read-1-no-field", "There is no signature field.", MISSING, unsigned=True)
    yield Draft(
        "read-1-field-of-other-profile",
        "The only signature field is that of the message profile.",
        MISSING,
        received=_renamed("nlgov-adr-message-sig"),
    )
    yield Draft(
        "read-1-field-of-successor",
        "The only signature field has the name that Logius chose later.",
        MISSING,
        received=_renamed("Payload-Signature"),
    )
    yield Draft(
        "read-1-unknown-field-name",
        "The field name has a prefix that no profile knows.",
        MISSING,
        received=_renamed(f"x-{_FIELD}"),
    )
    yield Draft(
        "read-1-field-name-upper-case",
        "The field name is written in capitals.",
        ACCEPT,
        received=_renamed(_FIELD.upper()),
    )
    yield Draft(
        "read-1-repeated-field",
        "The same signature stands on two field lines.",
        MALFORMED,
        received=_copied(_FIELD),
    )
    yield Draft(
        "read-1-repeated-field-other-case",
        "The second line of the signature field has a name in capitals.",
        MALFORMED,
        received=_copied(_FIELD.upper()),
    )
    yield Draft(
        "read-1-repeated-field-empty",
        "A second line of the signature field is empty.",
        MALFORMED,
        received=lambda message: message.plus((_FIELD, "")),
    )
    for other in ("Payload-Signature", "nlgov-adr-message-sig", "oots-response-sig"):
        yield Draft(
            f"read-1-together-with-{other.lower()}",
            f"The message carries {other} as well as the field of the profile.",
            MALFORMED,
            received=_copied(other),
        )


def _attached(value: str) -> str:
    header, signature = value.split("..")
    return f"{header}.{b64url(b'digest: x')}.{signature}"


def _values() -> Iterator[Draft]:
    shapes: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        (
            "comma-joined",
            "The value is the same signature twice, joined with a comma.",
            lambda v: f"{v}, {v}",
        ),
        ("padded-signature", "The signature part ends in base64 padding.", lambda v: f"{v}=="),
        ("attached-payload", "There is a payload between the two dots.", _attached),
        ("empty-value", "The value is empty.", lambda _: ""),
        ("only-whitespace", "The value is a space.", lambda _: " "),
        ("inner-whitespace", "There is a space before the dots.", lambda v: v.replace("..", " ..")),
        ("inner-tab", "There is a tab inside the signature part.", lambda v: f"{v[:-4]}\t{v[-4:]}"),
        (
            "trailing-lf",
            "The value ends in an LF, which a careless regular expression lets through.",
            lambda v: f"{v}\n",
        ),
        ("one-dot", "There is one dot instead of two.", lambda v: v.replace("..", ".")),
        ("three-dots", "There are three dots.", lambda v: v.replace("..", "...")),
        ("five-parts", "The value has the five parts of an encrypted token.", lambda v: f"{v}.."),
        ("no-header", "The header part is empty.", lambda v: v[v.index(".") :]),
        ("no-signature", "The signature part is empty.", lambda v: v[: v.index(".") + 2]),
        ("quoted", "The value stands between double quotes.", lambda v: f'"{v}"'),
        ("standard-alphabet", "The signature part holds a plus sign.", lambda v: f"{v[:-4]}+{v[-3:]}"),
        ("non-ascii", "The signature part holds an octet outside ASCII.", lambda v: f"{v[:-4]}\xe9{v[-3:]}"),
        (
            "json-serialization",
            "The value is a JSON serialization.",
            lambda v: f'{{"protected":"{v.split(".")[0]}"}}',
        ),
    )
    for name, description, change in shapes:
        yield Draft(f"read-1-{name}", description, MALFORMED, value=change)
    yield Draft(
        "read-1-padded-header",
        "The header part ends in base64 padding, which is signed as well.",
        MALFORMED,
        header=lambda octets: _filled(octets, remainder=1),
        segment=lambda text: f"{text}==",
    )
    yield Draft(
        "read-1-outer-whitespace",
        "Spaces and tabs stand around the value.",
        ACCEPT,
        value=lambda v: f" \t{v}\t ",
    )


def _filled(octets: bytes, *, remainder: int) -> bytes:
    """Return the JSON with spaces before the last brace, so that its length modulo 3 is the remainder."""
    spaces = (remainder - len(octets)) % 3
    return octets[:-1] + b" " * spaces + b"}"


def _of_length(value_length: int) -> Change:
    """Return a function that fills the header with spaces until the field value has that length."""
    segment_length = value_length - len("..") - len(b64url(bytes(256)))
    octets_length = segment_length * 3 // 4
    return lambda octets: octets[:-1] + b" " * (octets_length - len(octets)) + b"}"


def _sizes() -> Iterator[Draft]:
    yield Draft("read-2-field-at-limit", "The value has 32768 characters.", ACCEPT, header=_of_length(MAX_FIELD))
    yield Draft(
        "read-2-field-over-limit",
        "The value has 32770 characters.",
        MALFORMED,
        header=_of_length(MAX_FIELD + 2),
    )
    five = (*CHAIN, "root", "foreign-root")
    yield Draft("read-2-five-certificates", "x5c has five certificates, two of them not needed.", ACCEPT, chain=five)
    yield Draft("read-2-six-certificates", "x5c has six certificates.", MALFORMED, chain=(*five, "foreign-domain-ca"))
    for size, expected in ((8192, ACCEPT), (8193, MALFORMED)):
        yield Draft(
            f"read-2-certificate-of-{size}-octets",
            f"The leaf has {size} octets of DER.",
            expected,
            chain=(f"leaf-{size}-octets", "tsp-ca", "domain-ca"),
        )


def _base64() -> Iterator[Draft]:
    yield Draft(
        "read-3-header-trailing-bits",
        "The last character of the header part has unused bits that are not zero.",
        MALFORMED,
        header=lambda octets: _filled(octets, remainder=1),
        segment=other_trailing_bits,
    )
    yield Draft(
        "read-3-signature-trailing-bits",
        "The last character of the signature part has unused bits that are not zero.",
        MALFORMED,
        value=other_trailing_bits_of_signature,
    )
    yield Draft(
        "read-3-header-length",
        "The header part has one character too many, which stands for no octet.",
        MALFORMED,
        header=lambda octets: _filled(octets, remainder=0),
        segment=lambda text: f"{text}A",
    )
    yield Draft(
        "read-3-signature-length",
        "The signature part has one character too many, which stands for no octet.",
        MALFORMED,
        chain=_RSA3072,
        value=lambda value: f"{value}A",
    )


def other_trailing_bits_of_signature(value: str) -> str:
    """Return the field value with the unused bits of its last character set."""
    header, signature = value.split("..")
    return f"{header}..{other_trailing_bits(signature)}"


def _with(member: bytes) -> Change:
    """Return a function that adds a member text after `typ`."""
    return swap(b'"typ":"JOSE"', b'"typ":"JOSE",' + member)


def _nested(levels: int) -> bytes:
    return b'"x":' + b"[" * levels + b"]" * levels


def _json() -> Iterator[Draft]:
    texts: tuple[tuple[str, str, Change], ...] = (
        ("not-utf-8", "A string holds an ISO-8859-1 octet.", _with(b'"x":"\xe9"')),
        (
            "encoded-surrogate",
            "A string holds a surrogate in the form that UTF-8 forbids.",
            _with(b'"x":"\xed\xa0\x80"'),
        ),
        ("overlong", "A string holds an overlong UTF-8 form of a quote.", _with(b'"x":"\xc0\xa2"')),
        (
            "utf-16",
            "The header is encoded in UTF-16.",
            lambda o: b"\xff\xfe" + o.decode().encode("utf-16-le"),
        ),
        ("bom", "The header starts with a byte order mark.", lambda o: b"\xef\xbb\xbf" + o),
        ("array", "The header is an array.", lambda o: b"[" + o + b"]"),
        ("string", "The header is a string.", lambda _: b'"JOSE"'),
        ("null", "The header is null.", lambda _: b"null"),
        ("no-json", "The header is plain text.", lambda _: b"alg=PS256"),
        ("cut", "The last brace is missing.", lambda o: o[:-1]),
        ("trailing-garbage", "A second object follows the header.", lambda o: o + b"{}"),
        ("trailing-nul", "A NUL follows the header.", lambda o: o + b"\0"),
        ("trailing-comma", "A comma stands before the last brace.", lambda o: o[:-1] + b",}"),
        ("single-quotes", "A member name stands between single quotes.", _with(b"'x':1")),
        ("comment", "There is a comment.", _with(b'/* x */"x":1')),
        ("control-character", "A string holds a raw newline.", _with(b'"x":"a\nb"')),
        ("bad-escape", "A string holds an unknown escape.", _with(b'"x":"\\q"')),
        ("leading-zero", "A number starts with a zero.", _with(b'"x":01')),
        ("lone-surrogate", "A string holds the escape of a lone surrogate.", _with(b'"x":"\\ud800"')),
        ("duplicate-member", "A member stands twice, with the same value.", _with(b'"typ":"JOSE"')),
        (
            "duplicate-alg",
            "alg stands twice, with different values.",
            swap(b'{"alg"', b'{"alg":"RS256","alg"'),
        ),
        (
            "duplicate-escaped",
            "alg stands twice, once with an escape in its name.",
            _with(b'"al\\u0067":"PS256"'),
        ),
        ("duplicate-nested", "mId stands twice inside sigD.", swap(b'"mId":', b'"mId":"x","mId":')),
        ("duplicate-deep", "A member stands twice inside an unknown member.", _with(b'"x":[{"y":1,"y":1}]')),
        ("nan", "A number is NaN.", _with(b'"x":NaN')),
        ("infinity", "A number is Infinity.", _with(b'"x":Infinity')),
        ("minus-infinity", "A number is -Infinity.", _with(b'"x":-Infinity')),
        ("infinite-exponent", "A number is too large for a float.", _with(b'"x":1e999')),
        ("deep", "An unknown member is nested twelve levels deep.", _with(_nested(12))),
        ("very-deep", "An unknown member is nested 5000 levels deep.", _with(_nested(5000))),
    )
    for name, description, change in texts:
        yield Draft(f"read-3-{name}", description, MALFORMED, header=change)


def _spaced(octets: bytes) -> bytes:
    return b" \r\n\t" + octets.replace(b'"b64":false', b'"b64" :\tfalse').replace(b',"', b',\n  "') + b" \n"


def _accepted_json() -> Iterator[Draft]:
    yield Draft(
        "read-3-whitespace",
        "The JSON has spaces, tabs and newlines around its tokens.",
        ACCEPT,
        header=_spaced,
    )
    yield Draft(
        "read-3-escaped-name",
        "A member name is written with an escape.",
        ACCEPT,
        header=swap(b'"alg"', b'"al\\u0067"'),
    )
    yield Draft(
        "read-3-escaped-solidus",
        "The slashes of mId are escaped.",
        ACCEPT,
        header=swap(b"http://uri", b"http:\\/\\/uri"),
    )
    yield Draft(
        "read-3-non-ascii",
        "kid holds characters outside ASCII.",
        ACCEPT,
        members={"kid": "sleutel \u00e9\U0001f511"},
    )
    yield Draft(
        "read-3-surrogate-pair",
        "kid holds the escapes of a whole surrogate pair.",
        ACCEPT,
        members={"kid": "KEY"},
        header=swap(b'"KEY"', b'"\\ud83d\\udd11"'),
    )
    yield Draft("read-3-not-deep", "An unknown member is nested three levels deep.", ACCEPT, header=_with(_nested(3)))


def drafts() -> Iterator[Draft]:
    """Return the drafts of rules 1 to 3."""
    for group in (_presence, _values, _sizes, _base64, _json, _accepted_json):
        yield from group()
