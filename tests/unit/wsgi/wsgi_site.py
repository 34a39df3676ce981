"""A program: a real server on a free port of loopback, with the two middlewares around an application that echoes.

Server, middlewares and application each have `wsgiref.validate` between them: what it objects to is no signed answer."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

from nlgov_jades import (
    ANY_TRUSTED,
    RevocationPolicy,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.wsgi import BodySettings, JadesSignerMiddleware, JadesVerifierMiddleware, verified_message

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
PKI = Path(os.environ["PKI"])
PROFILE = profiles.BY_ID[os.environ["PROFILE"]]


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    length = int(environ["CONTENT_LENGTH"])
    body = environ["wsgi.input"].read(length + 1)  # PEP 3333 has no read without a size
    assert len(body) == length
    assert verified_message(environ).profile is PROFILE
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body[:9], body[9:]]


signed = JadesSignerMiddleware(
    validator(
        JadesVerifierMiddleware(
            validator(echo),
            verifier=Verifier(
                trust=TrustStore.from_pem((PKI / "root.pem").read_bytes()),
                policy=VerificationPolicy(profiles=(PROFILE,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF),
                clock=lambda: NOW,
            ),
            body=BodySettings(memory=1000),
        )
    ),
    signer=Signer(
        SigningCredential.from_pem((PKI / "key.pem").read_bytes(), (PKI / "chain.pem").read_bytes()),
        profile=PROFILE,
        clock=lambda: NOW,
    ),
    body=BodySettings(memory=1000),
)


validated = validator(signed)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """What is served: between two validators, but for one thing that a server does wrong."""
    if environ["SERVER_SOFTWARE"].startswith("Werkzeug/"):
        # The one deviation of Werkzeug: REMOTE_PORT is a number, and PEP 3333 has texts for all that is named as in CGI.
        assert type(environ["REMOTE_PORT"]) is int
        environ["REMOTE_PORT"] = str(environ["REMOTE_PORT"])
    return validated(environ, start_response)


def main(name: str) -> None:
    """Serve for ever; the first line on standard output ends with the port."""
    if name == "wsgiref":
        from wsgiref.simple_server import make_server

        plain = make_server("127.0.0.1", 0, application)
        print(plain.server_port, flush=True)  # noqa: T201 - whoever started it reads it
        plain.serve_forever()
    elif name == "werkzeug":
        from werkzeug.serving import make_server as make_werkzeug

        threaded = make_werkzeug("127.0.0.1", 0, application, threaded=True)
        print(threaded.port, flush=True)  # noqa: T201 - whoever started it reads it
        threaded.serve_forever()
    else:
        # By name: its types leave out what it offers.
        server: Any = import_module("waitress").create_server(application, host="127.0.0.1", port=0)
        print(server.effective_port, flush=True)  # noqa: T201 - whoever started it reads it
        server.run()


if __name__ == "__main__":
    main(sys.argv[1])
