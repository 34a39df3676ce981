"""What to do when the endpoint itself says what is wrong: words for a code or a status. Text only; nothing is judged here.

What a case is about does not matter then: whoever has not let CBS in refuses every question, and for one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["AS_FIRST", "BY_SERVER", "REFUSED", "SIGNATURE", "of_refusal"]

AS_FIRST: Final = "The same is wrong as in good-page: mend that first."
"""Instead of advice that would say it again."""

_TOO_LONG = (
    "A web server or a gateway before the provider answered, often since the signature field is too long for its buffers: "
    "nginx has large_client_header_buffers for the question, and proxy_buffer_size for the answer. Its log says which."
)

BY_SERVER: Final[Mapping[int, str]] = MappingProxyType(
    {
        414: _TOO_LONG,
        431: _TOO_LONG,
        494: _TOO_LONG,
        502: _TOO_LONG + " Or the provider does not run.",
        504: "A web server or a gateway waited in vain for the provider: look whether it runs, and in its log.",
    }
)
"""Where an unsigned answer of such a status came, by status."""

_CLOCKS = "Compare the clocks of both sides (NTP)"
_CHAIN = (
    "Look at the certificate that answers are signed with, with `nlgov-jades cert check`: it is for signing, and another than "
    "that of TLS; the CA certificates above it stand behind it in the provider's chain, or are given to the probe with "
    "--intermediates; --trust is its root."
)
_CHANGED = "Something between the one who signed the question and the provider changes its "

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SIGNER_NOT_ALLOWED": "Name the OIN of the one who asks among `signers` of the provider's policy.",
        "CERTIFICATE_PATH": "Let the provider trust the root of the one who asks; CA certificates between go along (--send-chain) "
        "or are given to the provider. Its log says which one is missing, or what is wrong with the certificate.",
        "CERTIFICATE_EXPIRED": "The one who asks needs a new certificate, or the clock of the provider is ahead.",
        "CERTIFICATE_NOT_YET_VALID": _CLOCKS
        + ": for the provider, the certificate of the one who asks is not valid yet.",
        "CERTIFICATE_REVOKED": "The certificate of the one who asks was revoked: ask with another.",
        "REVOCATION_UNKNOWN": "The provider cannot learn whether the one who asks was revoked: give its verifier a fetcher, and let "
        "it reach the addresses of OCSP and CRLs that the certificates name. Its log says what was tried.",
        "SIGNING_TIME": _CLOCKS + ", and see that max_age is longer than a question is under way.",
        "SIGNATURE_MISSING": "Something before the provider takes the field nlgov-adr-payload-sig away, or the provider looks for "
        "another: it must take the profile ddas.",
        "INVALID_SIGNATURE": _CHANGED + "fields: Digest must arrive as it was sent.",
        "DIGEST_MISMATCH": _CHANGED + "body: what reads JSON or compresses belongs behind the verifier.",
        "MALFORMED_MESSAGE": _CHANGED
        + "framing or Host. Compare Host with the public address that the provider was given, and "
        "Content-Length with the body; its log says what was found.",
        "REPLAYED_MESSAGE": "Something sends each question twice: look for retries in what stands between.",
        "REPLAY_UNKNOWN": "The replay guard of the provider is full, or its store does not answer: its log says which.",
        "NOT_FOUND": "Look at the URL: at its prefix, such as /v1, at the `prefix` of the provider, and at what a proxy takes off.",
        "FSC_TOKEN_MISSING": "Ask through the FSC outway, which brings the access token. On a machine without FSC the provider has "
        "FscToken.IF_PRESENT.",
        "FSC_TOKEN_OTHER_HOLDER": "The access token is of another OIN than the signer's: sign with the certificate of the organisation "
        "whose outway this is, or let the provider allow delegation.",
        "FSC_TOKEN_TIME": _CLOCKS + ": the access token is not valid now.",
    }
)
"""Where a good message was refused, by its code."""

SIGNATURE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CERTIFICATE_PATH": _CHAIN,
        "CERTIFICATE_EXPIRED": "The provider needs a new certificate to sign with.",
        "CERTIFICATE_NOT_YET_VALID": _CLOCKS + ", or wait: the certificate of the provider is not valid yet.",
        "CERTIFICATE_REVOKED": "The certificate of the provider was revoked: it needs another.",
        "SIGNER_NOT_ALLOWED": "Another OIN than that of --oin signed the answer: one of the two is wrong.",
        "SIGNING_TIME": _CLOCKS + ": the answer is dated ahead.",
    }
)
"""Where the signature on an answer was refused, by its code."""


def of_refusal(status: int | None, code: str | None) -> str | None:
    """What to do when a good message was refused; `None` when the answer does not tell.

    Args:
        status: Of the answer.
        code: Of its problem document.
    """
    # A code that is not of this library comes quoted.
    known = REFUSED.get((code or "").strip("'"))
    return known or (REFUSED["NOT_FOUND"] if status == 404 else None)  # noqa: PLR2004 - as RFC 9110 numbers it
