"""The exception tree: its codes are stored and compared, and its texts are safe to log."""

from __future__ import annotations

import copy
import datetime as dt
import inspect
import pickle
from collections.abc import Callable

import pytest

from nlgov_jades import Kvk, Oin, SignerIdentity, errors
from nlgov_jades.errors import quoted

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
IDENTITY = SignerIdentity(
    oin=Oin("00000001002220647000"), kvk=Kvk("12345678"), common_name="x", organization="y", sha256="00"
)

TABLE = [
    (errors.SignatureMissingError, "SIGNATURE_MISSING", "SIGNED_DATA_NOT_FOUND", 400),
    (errors.MalformedSignatureError, "MALFORMED_SIGNATURE", "FORMAT_FAILURE", 400),
    (errors.UnsupportedAlgorithmError, "UNSUPPORTED_ALGORITHM", "CRYPTO_CONSTRAINTS_FAILURE", 400),
    (errors.ProfileViolationError, "PROFILE_VIOLATION", "SIG_CONSTRAINTS_FAILURE", 400),
    (errors.InvalidSignatureError, "INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE", 400),
    (errors.DigestMismatchError, "DIGEST_MISMATCH", "HASH_FAILURE", 400),
    (errors.SigningTimeError, "SIGNING_TIME", "SIG_CONSTRAINTS_FAILURE", 400),
    (errors.ReplayedMessageError, "REPLAYED_MESSAGE", "SIG_CONSTRAINTS_FAILURE", 400),
    (errors.MalformedMessageError, "MALFORMED_MESSAGE", "FORMAT_FAILURE", 400),
    (errors.BodyTooLargeError, "BODY_TOO_LARGE", "SIG_CONSTRAINTS_FAILURE", 413),
    (errors.CertificatePathError, "CERTIFICATE_PATH", "CHAIN_CONSTRAINTS_FAILURE", 403),
    (errors.CertificateExpiredError, "CERTIFICATE_EXPIRED", "EXPIRED", 403),
    (errors.CertificateNotYetValidError, "CERTIFICATE_NOT_YET_VALID", "NOT_YET_VALID", 403),
    (errors.CertificateRevokedError, "CERTIFICATE_REVOKED", "REVOKED", 403),
    (errors.RevocationUnknownError, "REVOCATION_UNKNOWN", "TRY_LATER", 503),
    (errors.ReplayUnknownError, "REPLAY_UNKNOWN", "TRY_LATER", 503),
    (errors.SignerNotAllowedError, "SIGNER_NOT_ALLOWED", "SIG_CONSTRAINTS_FAILURE", 403),
]

PARENTS = {
    errors.ConfigurationError: {errors.NlgovJadesError, ValueError},
    errors.SigningError: {errors.NlgovJadesError},
    errors.MessageNotSignableError: {errors.SigningError},
    errors.FetchError: {errors.NlgovJadesError},
    errors.VerificationError: {errors.NlgovJadesError},
    **{kind: {errors.VerificationError} for kind, *_ in TABLE},
    errors.CertificateExpiredError: {errors.CertificatePathError},
    errors.CertificateNotYetValidError: {errors.CertificatePathError},
    errors.CertificateRevokedError: {errors.CertificatePathError},
}


def instance(kind: type[errors.NlgovJadesError]) -> errors.NlgovJadesError:
    if kind is errors.CertificateExpiredError:
        return errors.CertificateExpiredError("'leaf'", not_after=NOW, at=NOW)
    if kind is errors.CertificateNotYetValidError:
        return errors.CertificateNotYetValidError("'leaf'", not_before=NOW, at=NOW)
    if kind is errors.SignerNotAllowedError:
        return errors.SignerNotAllowedError("not this one", identity=IDENTITY)
    return kind("what went wrong")


def every_class() -> set[type[errors.NlgovJadesError]]:
    found: set[type[errors.NlgovJadesError]] = set()
    waiting: list[type[errors.NlgovJadesError]] = [errors.NlgovJadesError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__ == errors.__name__:
                found.add(kind)
                waiting.append(kind)
    return found


EVERY_CLASS: list[type[errors.NlgovJadesError]] = sorted(every_class(), key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize(("kind", "code", "sub_indication", "status"), TABLE)
def test_an_error_carries_the_code_the_sub_indication_and_the_status_of_the_table(
    kind: type[errors.VerificationError], code: str, sub_indication: str, status: int
) -> None:
    error = instance(kind)
    assert isinstance(error, errors.VerificationError)
    assert (error.code, error.sub_indication, error.http_status) == (code, sub_indication, status)


@pytest.mark.parametrize(("kind", "code", "status"), [(kind, code, status) for kind, code, _, status in TABLE])
def test_the_table_in_the_module_says_the_same(kind: type[errors.VerificationError], code: str, status: int) -> None:
    (row,) = [line.split() for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in line]
    after = row[row.index(kind.__name__) + 1 :]
    assert (after[0], after[1].rstrip(",")) == (code, str(status))


def test_the_table_knows_every_error() -> None:
    assert {kind for kind, *_ in TABLE} == {
        kind for kind in every_class() if issubclass(kind, errors.VerificationError)
    } - {errors.VerificationError}


def test_no_two_errors_share_a_code() -> None:
    assert len({code for _, code, *_ in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("kind", "parents"), PARENTS.items())
def test_the_tree_has_the_shape_that_callers_rely_on(
    kind: type[errors.NlgovJadesError], parents: set[type[Exception]]
) -> None:
    assert set(kind.__bases__) == parents


def test_every_class_is_public() -> None:
    assert {kind.__name__ for kind in every_class()} | {"NlgovJadesError", "quoted"} == set(errors.__all__)


def test_only_what_could_not_be_established_is_worth_a_retry() -> None:
    unknown = [errors.RevocationUnknownError, errors.ReplayUnknownError]
    assert [kind for kind, _, _, status in TABLE if status >= 500] == unknown
    assert [kind for kind, _, indication, _ in TABLE if indication == "TRY_LATER"] == unknown


def test_who_is_told_that_a_replay_is_unknown_is_told_to_sign_anew() -> None:
    assert "with a new signature" in (inspect.getdoc(errors.ReplayUnknownError) or "")


def pickled(error: Exception) -> object:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own object, made a moment ago


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_an_error_survives_being_copied_as_between_processes(
    kind: type[errors.NlgovJadesError], again: Callable[[Exception], object]
) -> None:
    error = instance(kind)
    twin = again(error)
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_an_expired_certificate_is_told_with_both_times() -> None:
    error = errors.CertificateExpiredError("'leaf'", not_after=NOW, at=NOW + dt.timedelta(days=1, microseconds=5))
    assert error.detail == "certificate 'leaf' expired on 2026-06-15T12:00:00Z; verified at 2026-06-16T12:00:00Z"
    assert str(error) == error.detail
    assert (error.certificate, error.not_after, error.at) == (
        "'leaf'",
        NOW,
        NOW + dt.timedelta(days=1, microseconds=5),
    )


def test_a_certificate_that_is_not_yet_valid_is_told_with_both_times() -> None:
    error = errors.CertificateNotYetValidError("'leaf'", not_before=NOW, at=NOW - dt.timedelta(days=1))
    assert error.detail == "certificate 'leaf' is valid from 2026-06-15T12:00:00Z; verified at 2026-06-14T12:00:00Z"
    assert (error.certificate, error.not_before, error.at) == ("'leaf'", NOW, NOW - dt.timedelta(days=1))


def test_a_missing_chain_has_its_own_sub_indication() -> None:
    error = errors.CertificatePathError("no way up", certificate="'leaf'", no_chain=True)
    assert error.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert error.certificate == "'leaf'"
    # The class keeps its own.
    assert errors.CertificatePathError("other").sub_indication == "CHAIN_CONSTRAINTS_FAILURE"
    assert errors.CertificatePathError("other").certificate is None


def test_a_signer_who_is_not_allowed_is_named() -> None:
    assert errors.SignerNotAllowedError("no", identity=IDENTITY).identity is IDENTITY


def test_every_error_says_what_it_means() -> None:
    assert [kind.__name__ for kind in every_class() if not inspect.getdoc(kind)] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Gemeente Súdwest-Fryslân", "'Gemeente Súdwest-Fryslân'"),
        ("", "''"),
        (b"na\xefve", "'naïve'"),
        (42, "'42'"),
        (None, "'None'"),
        ("two\nlines\r", r"'two\x0alines\x0d'"),
        ("\x1b[31mred", r"'\x1b\x5b31mred'"),
        ("[bold]rich[/bold]", r"'\x5bbold]rich\x5b/bold]'"),
        ("it's", r"'it\x27s'"),
        (r"a\nb", r"'a\x5cnb'"),
        ("abc\u202edef", r"'abc\u{202e}def'"),
        ("zero\u200bwidth", r"'zero\u{200b}width'"),
        ("tag\U000e0041", r"'tag\u{e0041}'"),
        ("\ue000private", r"'\u{e000}private'"),
        ("half\ud800", r"'half\u{d800}'"),
        ("no\xa0break", r"'no\xa0break'"),
        ("nul\x00", r"'nul\x00'"),
    ],
)
def test_other_peoples_text_is_shown_without_anything_that_a_terminal_obeys(text: object, shown: str) -> None:
    assert quoted(text) == shown


def test_a_long_text_is_cut_and_its_length_is_told() -> None:
    assert quoted("x" * 80) == "'" + "x" * 80 + "'"
    assert quoted("x" * 81) == "'" + "x" * 80 + "…' (81 characters)"
    assert quoted("abcdef", 3) == "'abc…' (6 characters)"


def test_what_is_cut_off_is_not_escaped_either() -> None:
    assert quoted("abc" + "\x00" * 10_000_000, 3) == "'abc…' (10000003 characters)"
