"""For tests, demonstrations and development: throw-away certificates in the shape of PKIoverheid's. Trust none of it.

- `Hierarchy`: root, domain CA, TSP CA, and what they issue.
- `make_crl`, `make_ocsp`, `ocsp_delegate`: revocation data, right or wrong in one chosen way.
- `Responder`: OCSP and CRLs over HTTP on this machine, in every `Behaviour` that a client must survive.
- `save_hierarchy`, `load_hierarchy`: the same in a folder, as `nlgov-jades dev-pki` uses it.
- `nlgov_jades.testing.plugin`: all of it as pytest fixtures.
"""

from .behaviour import Behaviour, OcspSigner
from .folder import CaKeys, load_hierarchy, save_hierarchy, save_signer
from .hierarchy import Authority, Hierarchy, Issued
from .responder import ReceivedRequest, Responder
from .revocation import (
    OCSPCertStatus,
    OCSPResponderEncoding,
    OCSPResponseStatus,
    Revocation,
    RsaScheme,
    make_crl,
    make_ocsp,
    ocsp_delegate,
    ocsp_failure,
)

__all__ = [
    "Authority",
    "Behaviour",
    "CaKeys",
    "Hierarchy",
    "Issued",
    "OCSPCertStatus",
    "OCSPResponderEncoding",
    "OCSPResponseStatus",
    "OcspSigner",
    "ReceivedRequest",
    "Responder",
    "Revocation",
    "RsaScheme",
    "load_hierarchy",
    "make_crl",
    "make_ocsp",
    "ocsp_delegate",
    "ocsp_failure",
    "save_hierarchy",
    "save_signer",
]
