"""The command line of `docs`: names of commands and options, and the table of errors, which scripts depend on."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from nlgov_jades import errors
from nlgov_jades.cli.app import cli
from nlgov_jades.testing import Issued

from .command import Argument, Done, Run, signing, trusting, with_header

# --- names ---------------------------------------------------------------------------------------------------

OPTIONS = {
    "sign": {"-o", "--key", "--chain", "--password-file", "--profile", "--kid", "--send-chain", "--request", "--json"},
    "verify": {
        *("--headers", "--body", "--trust", "--intermediates", "--profile", "--revocation", "--at", "--max-age"),
        *("--oin", "--kvk", "--require-policy", "--request", "--crl", "--ocsp", "--json"),
    },
    "inspect": {"--headers", "--body", "--json"},
    "dev-pki new": {"--json"},
    "demo": {"--keep", "--json"},
}


def commands(group: click.Group = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


def options_of(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_command_of_the_contract_has_the_options_of_the_contract(name: str) -> None:
    command = dict(commands())[name]
    assert {text for option in options_of(command) for text in option.opts} >= OPTIONS[name]


def test_every_command_has_json() -> None:
    without = [
        name for name, command in commands() if not any("--json" in option.opts for option in options_of(command))
    ]
    assert without == []


def test_every_option_and_every_command_is_explained() -> None:
    silent = [(name, option.name) for name, command in commands() for option in options_of(command) if not option.help]
    assert silent == []
    assert [name for name, command in commands() if not command.help] == []


@pytest.mark.parametrize("option", ["--profile", "--oin", "--kvk", "--require-policy", "--crl", "--ocsp"])
def test_an_option_that_the_contract_writes_with_dots_may_be_repeated(option: str) -> None:
    assert next(item for item in options_of(dict(commands())["verify"]) if option in item.opts).multiple


@pytest.mark.parametrize(
    ("command", "option", "default", "choices"),
    [
        ("sign", "--send-chain", "no-root", {"no-root", "issuer", "leaf", "full"}),
        ("sign", "--profile", "adr-payload", None),
        ("verify", "--revocation", "hard", {"hard", "soft", "off"}),
    ],
)
def test_a_choice_has_the_values_and_the_default_of_the_contract(
    command: str, option: str, default: str, choices: set[str] | None
) -> None:
    found = next(item for item in options_of(dict(commands())[command]) if option in item.opts)
    assert found.default == default
    assert isinstance(found.type, click.Choice)
    assert choices is None or set(found.type.choices) == choices


PROFILES = {"adr-payload", "adr-message", "logius-payload", "logius-message", "ddas", "ddas-body", "oots-response"}


@pytest.mark.parametrize("command", ["sign", "verify"])
def test_the_profiles_are_those_of_the_contract(command: str) -> None:
    found = next(item for item in options_of(dict(commands())[command]) if "--profile" in item.opts)
    assert isinstance(found.type, click.Choice)
    assert set(found.type.choices) == PROFILES


# --- the table of errors -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """What it takes to make a message and to verify it."""

    run: Run
    files: Path
    folder: Path
    signer: Issued

    def signed(self) -> bytes:
        return (self.files / "signed.http").read_bytes()

    def verified(self, octets: bytes, *options: Argument, trust: tuple[Argument, ...] | None = None) -> Done:
        words = trusting(self.files) if trust is None else trust
        return self.run("verify", "-", *words, *options, "--json", stdin=octets)

    def at(self, days: int) -> tuple[Argument, ...]:
        """So many days after the certificate began."""
        time = self.signer.certificate.not_valid_before_utc + dt.timedelta(days=days)
        return ("--at", time.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def without_time(self) -> bytes:
        out = self.folder / "out"
        words = ("--profile", "ddas", "--header-form", "profile-only")
        self.run("sign", self.files / "request.http", "-o", out, *signing(self.files), *words)
        return out.read_bytes()

    def foreign_root(self) -> tuple[Argument, ...]:
        return ("--trust", self.files / "foreign-root.pem", "--revocation", "off")


@pytest.fixture
def bench(run: Run, files: Path, tmp_path: Path, signer: Issued) -> Bench:
    return Bench(run, files, tmp_path, signer)


def other_digest(octets: bytes) -> bytes:
    """A Digest that was not signed, of a body that is not there."""
    start = octets.index(b"SHA-256=") + 8
    return octets[:start] + base64.b64encode(bytes(32)) + octets[start + 44 :]


Case = Callable[[Bench], Done]
REFUSALS: dict[str, tuple[Case, str, str]] = {
    "no signature": (
        lambda bench: bench.verified((bench.files / "request.http").read_bytes()),
        "SIGNATURE_MISSING",
        "SIGNED_DATA_NOT_FOUND",
    ),
    "a padded field": (
        lambda bench: bench.verified(bench.signed().replace(b"..", b"=..", 1)),
        "MALFORMED_SIGNATURE",
        "FORMAT_FAILURE",
    ),
    "another algorithm": (
        lambda bench: bench.verified(with_header(bench.signed(), alg="RS256")),
        "UNSUPPORTED_ALGORITHM",
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "no b64": (
        lambda bench: bench.verified(with_header(bench.signed(), b64=None)),
        "PROFILE_VIOLATION",
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "another key identifier": (
        lambda bench: bench.verified(with_header(bench.signed(), kid="another")),
        "INVALID_SIGNATURE",
        "SIG_CRYPTO_FAILURE",
    ),
    "another digest": (
        lambda bench: bench.verified(other_digest(bench.signed())),
        "INVALID_SIGNATURE",
        "SIG_CRYPTO_FAILURE",
    ),
    "another body": (
        lambda bench: bench.verified(bench.signed().replace(b"2025-01-01", b"2025-01-02")),
        "DIGEST_MISMATCH",
        "HASH_FAILURE",
    ),
    "too old": (
        lambda bench: bench.verified(bench.signed(), *bench.at(30), "--max-age", "60"),
        "SIGNING_TIME",
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "a foreign root": (
        lambda bench: bench.verified(bench.signed(), trust=bench.foreign_root()),
        "CERTIFICATE_PATH",
        "NO_CERTIFICATE_CHAIN_FOUND",
    ),
    "another certificate policy": (
        lambda bench: bench.verified(bench.signed(), "--require-policy", "1.2.3"),
        "CERTIFICATE_PATH",
        "CHAIN_CONSTRAINTS_FAILURE",
    ),
    "an expired certificate": (
        lambda bench: bench.verified(bench.signed(), *bench.at(366)),
        "CERTIFICATE_EXPIRED",
        "EXPIRED",
    ),
    "a certificate that is not yet valid": (
        lambda bench: bench.verified(bench.without_time(), *bench.at(-1)),
        "CERTIFICATE_NOT_YET_VALID",
        "NOT_YET_VALID",
    ),
    "no answer about revocation": (
        lambda bench: bench.verified(bench.signed(), trust=("--trust", bench.files / "root.pem")),
        "REVOCATION_UNKNOWN",
        "TRY_LATER",
    ),
    "another signer": (
        lambda bench: bench.verified(bench.signed(), "--kvk", "87654321"),
        "SIGNER_NOT_ALLOWED",
        "SIG_CONSTRAINTS_FAILURE",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_status_one_with_the_code_and_the_sub_indication_of_the_table(what: str, bench: Bench) -> None:
    case, code, sub_indication = REFUSALS[what]
    done = case(bench)
    assert (done.status, done.json["valid"], done.error) == (1, False, code)
    assert done.json["error"]["sub_indication"] == sub_indication
    assert done.detail


def codes(error: type[errors.VerificationError]) -> Iterator[str]:
    for kind in error.__subclasses__():
        yield kind.code
        yield from codes(kind)


def test_the_table_names_every_code_but_those_of_edges_and_of_revocation() -> None:
    # A command has no memory to notice a replay with, and reads what it is given; test_verify_times.py revokes.
    tried = {code for _, code, _ in REFUSALS.values()}
    assert set(codes(errors.VerificationError)) - tried == {
        "REPLAYED_MESSAGE",
        "REPLAY_UNKNOWN",
        "MALFORMED_MESSAGE",
        "BODY_TOO_LARGE",
        "CERTIFICATE_REVOKED",
    }
