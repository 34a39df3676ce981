"""Garbage in every input file: status two, one sentence, and never an exception."""

from __future__ import annotations

import base64
import itertools
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.testing import Issued

from .command import Argument, Run, signing, trusting, with_header

HUGE = 10_000_000


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - the same garbage each time


def armoured(label: bytes, inside: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label, inside, label)


GARBAGE = {
    "empty": b"",
    "one octet": b"0",
    "random octets": noise(1, 1000),
    "NULs": bytes(1000),
    "text": "geen bericht, geen certificaat, geen sleutel: ú\n".encode(),
    "PEM with nothing inside": armoured(b"CERTIFICATE", b""),
    "PEM with no base64 inside": armoured(b"CERTIFICATE", b"!!!!"),
    "PEM with noise inside": armoured(b"CERTIFICATE", base64.b64encode(noise(2, 600))),
    "PEM key with noise inside": armoured(b"PRIVATE KEY", base64.b64encode(noise(3, 600))),
    "encrypted PEM key with noise inside": armoured(b"ENCRYPTED PRIVATE KEY", base64.b64encode(noise(4, 600))),
    "PEM of another kind": armoured(b"PGP MESSAGE", base64.b64encode(noise(5, 600))),
    "PEM that does not end": armoured(b"CERTIFICATE", base64.b64encode(noise(6, 600)))[:-30],
    "DER that says it is long": b"\x30\x84\x7f\xff\xff\xff" + noise(7, 100),
    "DER that nests": b"\x30\x80" * 5000,
    "a huge file": b"A" * HUGE,
    "a huge file of line ends": b"\n" * HUGE,
    "huge PEM": armoured(b"CERTIFICATE", b"A" * HUGE),
}


@pytest.fixture(scope="module")
def garbage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind, named by its position."""
    folder = tmp_path_factory.mktemp("garbage")
    for position, octets in enumerate(GARBAGE.values()):
        (folder / str(position)).write_bytes(octets)
    return folder


INPUTS: dict[str, tuple[str, ...]] = {
    "sign IN": ("sign", "BAD", "-o", "OUT", "--key", "key.pem", "--chain", "chain.pem"),
    "sign --key": ("sign", "request.http", "-o", "OUT", "--key", "BAD", "--chain", "chain.pem"),
    "sign --key of PKCS#12": ("sign", "request.http", "-o", "OUT", "--key", "BAD"),
    "sign --chain": ("sign", "request.http", "-o", "OUT", "--key", "key.pem", "--chain", "BAD"),
    "sign --request": (
        "sign",
        "response.http",
        "-o",
        "OUT",
        "--key",
        "key.pem",
        "--chain",
        "chain.pem",
        "--request",
        "BAD",
    ),
    "verify IN": ("verify", "BAD", "--trust", "root.pem"),
    "verify --headers": ("verify", "--headers", "BAD", "--body", "body", "--trust", "root.pem"),
    "verify --request": ("verify", "signed.http", "--request", "BAD", "--trust", "root.pem"),
    "verify --trust": ("verify", "signed.http", "--trust", "BAD"),
    "verify --intermediates": ("verify", "signed.http", "--trust", "root.pem", "--intermediates", "BAD"),
    "inspect IN": ("inspect", "BAD"),
    "inspect --headers": ("inspect", "--headers", "BAD", "--body", "body"),
    "inspect --request": ("inspect", "signed.http", "--request", "BAD"),
}


@pytest.mark.parametrize("case", list(itertools.product(INPUTS, GARBAGE)), ids=", ".join)
def test_garbage_is_status_two_and_nothing_is_written(
    case: tuple[str, str], run: Run, files: Path, garbage: Path, tmp_path: Path
) -> None:
    where, kind = case
    places: dict[str, Argument] = {"BAD": garbage / str(list(GARBAGE).index(kind)), "OUT": tmp_path / "out"}
    words = [places.get(word, files / word if (files / word).is_file() else word) for word in INPUTS[where]]
    done = run(*words, "--json")
    assert done.status == 2
    assert done.error in {"UNREADABLE_INPUT", "CONFIGURATION", "USAGE"}
    assert 0 < len(done.detail) < 500
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", sorted(GARBAGE.keys() - {"empty", "a huge file of line ends", "NULs"}))
def test_a_password_file_of_garbage_is_another_password(
    kind: str, run: Run, files: Path, garbage: Path, tmp_path: Path
) -> None:
    words = ("--key", files / "key.p12", "--password-file", garbage / str(list(GARBAGE).index(kind)))
    done = run("sign", files / "request.http", "-o", tmp_path / "out", *words, "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_body_of_garbage_is_a_body_that_was_not_signed(
    kind: str, run: Run, files: Path, garbage: Path, tmp_path: Path
) -> None:
    head = b"".join(line for line in (files / "head").read_bytes().splitlines(keepends=True) if b"Length" not in line)
    (tmp_path / "head").write_bytes(head)
    body = garbage / str(list(GARBAGE).index(kind))
    done = run("verify", "--headers", tmp_path / "head", "--body", body, *trusting(files), "--json")
    assert (done.status, done.error) == (1, "DIGEST_MISMATCH")


@pytest.mark.parametrize("option", ["--crl", "--ocsp"])
@pytest.mark.parametrize("kind", GARBAGE)
def test_revocation_data_of_garbage_is_never_an_answer(
    option: str, kind: str, run: Run, files: Path, garbage: Path
) -> None:
    words = ("--trust", files / "root.pem", option, garbage / str(list(GARBAGE).index(kind)))
    done = run("verify", files / "signed.http", *words, "--json")
    assert done.status == 2


NAMES = ["absent", "empty-folder", "signed.http/x", "nul\x00", "a" * 5000, "a/" * 3000, "surrogate\udcff"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:12]))
@pytest.mark.parametrize("where", [*INPUTS, "sign --password-file"])
def test_a_name_that_cannot_be_opened_is_unreadable_input(
    where: str, name: str, run: Run, files: Path, tmp_path: Path
) -> None:
    template = INPUTS.get(where, ("sign", "request.http", "-o", "OUT", "--key", "key.p12", "--password-file", "BAD"))
    bad = f"{files}/{name}"
    words = [files / word if (files / word).is_file() else word for word in template]
    done = run(*({"BAD": bad, "OUT": str(tmp_path / "out")}.get(str(word), word) for word in words), "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")


@pytest.mark.parametrize("where", INPUTS)
def test_an_empty_name_is_no_file(where: str, run: Run, files: Path, tmp_path: Path) -> None:
    # "$MESSAGE" where MESSAGE is not set.
    places: dict[str, Argument] = {"BAD": "", "OUT": tmp_path / "out"}
    words = [places.get(word, files / word if (files / word).is_file() else word) for word in INPUTS[where]]
    done = run(*words, "--json")
    assert done.status == 2
    assert done.error in {"USAGE", "UNREADABLE_INPUT"}


def test_a_request_where_the_answer_must_be_is_told_apart(run: Run, files: Path) -> None:
    done = run("verify", files / "signed.http", *trusting(files), "--request", files / "response.http", "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")
    assert "must be the request" in done.detail


# --- certificates of which one octet was changed --------------------------------------------------------------


def test_no_damaged_trust_anchor_makes_the_command_fail_in_another_way(run: Run, files: Path, tmp_path: Path) -> None:
    der = (files / "root.der").read_bytes()
    choose = random.Random(8)  # noqa: S311 - the same damage each time
    for _ in range(150):
        damaged = bytearray(der)
        damaged[choose.randrange(len(der))] ^= 1 << choose.randrange(8)
        (tmp_path / "root.der").write_bytes(damaged)
        done = run("verify", files / "signed.http", "--trust", tmp_path / "root.der", "--revocation", "off", "--json")
        # Status 0 when only the anchor's own signature was hit: an anchor is trusted for its name and key.
        assert done.status in {0, 1, 2}
        assert done.json


def test_a_trust_anchor_with_an_extension_twice_is_status_two(run: Run, files: Path, tmp_path: Path) -> None:
    # subjectKeyIdentifier becomes a second keyUsage.
    der = (files / "root.der").read_bytes().replace(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x0f", 1)
    (tmp_path / "root.der").write_bytes(der)
    done = run("verify", files / "signed.http", *trusting(files)[2:], "--trust", tmp_path / "root.der", "--json")
    assert done.status == 2


def test_no_damaged_certificate_in_a_message_makes_inspect_or_verify_fail_in_another_way(
    run: Run, files: Path, signer: Issued, tmp_path: Path
) -> None:
    message, leaf = (files / "signed.http").read_bytes(), signer.certificate.public_bytes(Encoding.DER)
    choose = random.Random(9)  # noqa: S311 - the same damage each time
    for _ in range(120):
        damaged = bytearray(leaf)
        damaged[choose.randrange(len(leaf))] ^= 1 << choose.randrange(8)
        (tmp_path / "in").write_bytes(with_header(message, x5c=[base64.b64encode(damaged).decode()]))
        seen = run("inspect", tmp_path / "in", "--json")
        assert (seen.status, seen.json["ok"]) == (0, True)
        assert run("verify", tmp_path / "in", *trusting(files), "--json").status == 1


def test_no_damaged_signature_field_makes_inspect_or_verify_fail_in_another_way(
    run: Run, files: Path, tmp_path: Path
) -> None:
    message = (files / "signed.http").read_bytes()
    start, end = message.index(b"payload-sig: ") + 13, message.index(b"\r\n\r\n")
    choose = random.Random(10)  # noqa: S311 - the same damage each time
    for _ in range(120):
        damaged = bytearray(message)
        damaged[choose.randrange(start, end)] = choose.choice(b"\t !,.=AZ_az-\x80\xff")
        (tmp_path / "in").write_bytes(damaged)
        assert run("inspect", tmp_path / "in", "--json").status == 0
        done = run("verify", tmp_path / "in", *trusting(files), "--json")
        assert done.status == (0 if bytes(damaged) == message else 1)


def test_no_damaged_key_makes_sign_fail_in_another_way(run: Run, files: Path, tmp_path: Path) -> None:
    choose = random.Random(11)  # noqa: S311 - the same damage each time
    for name in ("key.pem", "locked.pem", "key.p12"):
        octets = (files / name).read_bytes()
        options: tuple[Argument, ...] = ("--password-file", files / "password") if name != "key.pem" else ()
        options += () if name == "key.p12" else signing(files)[2:]
        for _ in range(10):
            damaged = bytearray(octets)
            damaged[choose.randrange(len(octets))] ^= 1 << choose.randrange(7)
            (tmp_path / "key").write_bytes(damaged)
            done = run(
                "sign", files / "request.http", "-o", tmp_path / "o", "--key", tmp_path / "key", *options, "--json"
            )
            assert done.status in {0, 2}  # 0 when nothing was hit that counts, a line end for example
            assert done.json
