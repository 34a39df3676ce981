"""The library with its core dependencies alone.

The nox session `noextras` installs the project without any extra, and runs this file and nothing else. Where extras are
installed the tests mean the same: each starts a Python in which the optional packages cannot be found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

import nlgov_jades
from nlgov_jades import HttpRequest, Signer, Verifier
from nlgov_jades.errors import DigestMismatchError
from nlgov_jades.profiles import DDAS
from nlgov_jades.testing import Issued

CORE = {
    "nlgov_jades",
    "cryptography",
    "asn1crypto",
    "cffi",
    "_cffi_backend",
    "_openssl",
    "pycparser",
    "typing_extensions",
}
"""The package, what it depends on, and what that depends on."""

EXTRAS = ("click", "rich", "requests", "httpx", "httpx2", "anyio", "jwcrypto", "redis", "starlette", "uvicorn")

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        missing = {missing!r}.get(name.partition(".")[0])
        if missing is not None:
            raise ModuleNotFoundError(f"No module named {{missing!r}}", name=missing)
        return None

sys.meta_path.insert(0, Hidden())
"""

DDAS_MODULES = sorted(
    f"ddas.{path.stem}"
    for path in (Path(nlgov_jades.__file__).parent / "ddas").iterdir()
    if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
)
"""Every module of the application for DDAS."""

PATIENCE = 120
"""Seconds after which a Python hangs."""


def python(program: str, missing: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python in which importing one of these names tells that the other is missing."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(missing=dict(missing)) + program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def succeeds(program: str, *, absent: Collection[str] = EXTRAS) -> str:
    """What a program prints where these packages cannot be found."""
    done = python(program, {name: name for name in absent})
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the library ---------------------------------------------------------------------------------------------


def test_the_absence_that_these_tests_make_is_one() -> None:
    done = python("import click", {"click": "click"})
    assert done.returncode == 1
    assert "No module named 'click'" in done.stderr


def test_the_package_imports() -> None:
    assert succeeds("import nlgov_jades; print(nlgov_jades.__version__)").strip()


def test_every_public_name_is_there() -> None:
    program = "import nlgov_jades; print([name for name in nlgov_jades.__all__ if not hasattr(nlgov_jades, name)])"
    assert succeeds(program) == "[]\n"


def test_importing_the_package_loads_nothing_but_the_core_dependencies() -> None:
    program = """
import json
before = set(sys.modules)
import nlgov_jades, nlgov_jades.testing
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""
    loaded = set(json.loads(succeeds(program, absent=())))
    assert "nlgov_jades" in loaded
    assert loaded - CORE - set(sys.stdlib_module_names) == set()


def test_a_message_is_signed_and_verified(issued: Issued, verifier: Verifier, request_message: HttpRequest) -> None:
    signer = Signer(issued.credential, profile=DDAS, clock=verifier._clock)
    signed = request_message.with_fields(signer.sign(request_message))
    assert verifier.verify(signed).body == request_message.body


def test_a_message_that_was_changed_is_refused(
    issued: Issued, verifier: Verifier, request_message: HttpRequest
) -> None:
    signer = Signer(issued.credential, profile=DDAS, clock=verifier._clock)
    signed = request_message.with_fields(signer.sign(request_message))
    with pytest.raises(DigestMismatchError):
        verifier.verify(signed.with_body(b"{}"))


def test_a_message_is_signed_and_verified_where_the_extras_cannot_be_found() -> None:
    program = """
from nlgov_jades import ANY_TRUSTED, HttpRequest, RevocationPolicy, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.testing import Hierarchy

hierarchy = Hierarchy.new()
request = HttpRequest(method="POST", target="/", fields=[("Content-Type", "application/json")], body=b"{}")
signed = request.with_fields(Signer(hierarchy.tsp.issue().credential, profile=profiles.DDAS).sign(request))
policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)
print(Verifier(trust=hierarchy.trust, policy=policy).verify(signed).body)
"""
    assert succeeds(program, absent=(*EXTRAS, "pytest", "hypothesis")) == "b'{}'\n"


@pytest.mark.parametrize("module", ["edges", "edges.client", "replay", "rotation", "wsgi"])
def test_an_edge_that_needs_no_other_package_imports(module: str) -> None:
    assert succeeds(f"import nlgov_jades.{module}; print('there')") == "there\n"


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        *(("asgi", "asgi"), ("httpx", "httpx"), ("httpx2", "httpx2"), ("requests", "requests")),
        ("stores.replay", "redis"),
        *((name, "ddas") for name in ("ddas", *DDAS_MODULES)),
    ],
)
def test_an_edge_that_needs_another_package_names_its_extra(module: str, extra: str) -> None:
    program = f"""
try:
    import nlgov_jades.{module}
except ImportError as error:
    print(error)
"""
    assert f"pip install 'nlgov-jades[{extra}]'" in succeeds(program)


@pytest.mark.parametrize("missing", ["anyio", "httpx", "starlette"])
@pytest.mark.parametrize("module", ["ddas", "ddas.consumer", "ddas.provider"])
def test_one_package_of_the_extra_that_is_missing_is_enough_to_name_it(module: str, missing: str) -> None:
    program = f"""
try:
    import nlgov_jades.{module}
except ImportError as error:
    print(error.name, error)
"""
    said = succeeds(program, absent=(missing,))
    # Where no extra is installed it may be another one that is missed first.
    assert said.partition(" ")[0] in {"anyio", "httpx", "starlette"}
    assert said.endswith("nlgov_jades.ddas needs an extra: pip install 'nlgov-jades[ddas]'\n")


# --- the command line ----------------------------------------------------------------------------------------

MAIN = "from nlgov_jades.cli import main; sys.argv = ['nlgov-jades', *{arguments!r}]; main()"


@pytest.mark.parametrize("absent", [("click", "rich"), ("click",), ("rich",)], ids=" and ".join)
@pytest.mark.parametrize("arguments", [[], ["--help"], ["verify", "IN", "--json"]], ids=" ".join)
def test_the_command_line_says_in_one_sentence_what_to_install(absent: tuple[str, ...], arguments: list[str]) -> None:
    done = python(MAIN.format(arguments=arguments), {name: name for name in absent})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nlgov-jades: ")
    assert "nlgov-jades[cli]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_package_that_is_missing_is_not_blamed_on_the_extra() -> None:
    # click is there, and what it needs itself is not: to install the extra once more would hide that.
    done = python(MAIN.format(arguments=["--help"]), {"click": "colorama"})
    assert done.returncode == 1
    assert "nlgov-jades[cli]" not in done.stderr
    assert "No module named 'colorama'" in done.stderr
