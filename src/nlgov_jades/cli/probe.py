"""`nlgov-jades probe`: options in, the report out. What is tried and how it is judged is in `nlgov_jades.ddas.probe`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console
from rich.text import Text

from .. import profiles
from ..clock import utc_now
from ..pki.identity import Oin
from ..policy import ANY_TRUSTED, CertificateRequirements, RevocationMode, RevocationPolicy, VerificationPolicy
from ..sign import SendChain
from ..verify import Verifier
from .failure import CommandFailure, NotValid
from .inputs import (
    check_standard_input,
    json_option,
    read_credential,
    read_crl,
    read_file,
    read_password,
    read_trust,
)
from .online import online_fetcher
from .options import (
    chain_option,
    client_tls_options,
    intermediates_option,
    password_file_option,
    revocation_data_options,
    revocation_option,
    send_chain_option,
)
from .output import Printer, plain

if TYPE_CHECKING:
    from ..ddas.probe import Case, CaseResult, Endpoint, ProbeReport

__all__ = ["probe"]

LONGEST = 3600
"""Seconds for one answer; a larger number is a mistake."""

_STYLES = {"passed": "green", "failed": "bold red", "not tried": "yellow", "skipped": "yellow"}
_MARKS = {"passed": "✓ passed", "failed": "✗ failed", "not tried": "○ not tried", "skipped": "- skipped"}
_OUTCOMES = {"passed": "green", "failed": "bold red", "incomplete": "bold yellow"}


@click.command()
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--key", metavar="KEY", help="Private key that the provider knows: PEM, or PKCS#12 (then without --chain)."
)
@chain_option
@password_file_option
@send_chain_option
@click.option("--kind", type=click.Choice(["SHV", "VS"]), default="SHV", show_default=True, help="What is asked for.")
@click.option("--oin", metavar="OIN", help="OIN of the provider, who must have signed every answer.")
@click.option(
    "--pki",
    metavar="FOLDER",
    help="Folder of `dev-pki new` with CA keys: certificates that must be refused are issued there.",
)
@click.option(
    "--certificates",
    metavar="FOLDER",
    help="Folder with such certificates: expired-chain.pem, expired-key.pem, and the same for revoked and other-oin.",
)
@click.option(
    "--trust", metavar="ROOTS", help="Trust anchors for answers; the installed PKIoverheid bundle when not given."
)
@intermediates_option
@revocation_option
@revocation_data_options
@click.option("--fields", metavar="FILE", help="Further field lines of each message, such as Fsc-Grant-Hash: value.")
@client_tls_options
@click.option("--skip", "skipped", multiple=True, metavar="CASE", help="Leave this case out, repeatable: see --list.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, LONGEST),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one answer may take.",
)
@click.option("--html", "html_file", metavar="FILE", help="Write the report there too, as one page that can be mailed.")
@click.option("--list", "lists", is_flag=True, help="Show the cases and send nothing.")
@json_option
def probe(url: str | None, *, lists: bool, as_json: bool, **options: Any) -> None:
    """Try an endpoint of DDAS with good messages and bad ones, and report on it.

    URL is where /gegevens of the provider is, or the FSC outway that leads there. Exit status 0: every case passed. 1: one
    failed, or could not be tried. 2: usage, or nothing could be sent.
    """
    printer = Printer(as_json=as_json)
    try:
        from ..ddas import probe as room  # noqa: PLC0415 - an extra
    except ImportError as error:
        if error.name not in {"anyio", "h11", "httpx", "starlette"}:
            raise
        raise CommandFailure("probe needs two extras: pip install 'nlgov-jades[cli,ddas]'", "USAGE") from None
    if lists:
        _list_cases(printer, room.CASES)
        return
    if url is None or options["key"] is None:
        raise CommandFailure("give a URL, and --key with --chain: the signer that the provider knows", "USAGE")
    html_file: str | None = options["html_file"]
    _check_html(html_file)
    report = _probed(url, options)
    _print_report(printer, report)
    if html_file is not None:
        _write_html(html_file, room.as_html(report))
        printer.line(f"written to {plain(html_file)}")
    passed = report.outcome is room.Outcome.PASSED
    printer.result({"ok": passed, **report.as_json(), "html": html_file})
    if not passed:
        raise NotValid


def _probed(url: str, options: dict[str, Any]) -> ProbeReport:
    from ..ddas import Kind  # noqa: PLC0415 - an extra
    from ..ddas import probe as room  # noqa: PLC0415 - an extra

    files = [options[name] for name in ("key", "chain", "password_file", "trust", "intermediates", "fields")]
    check_standard_input(*files, options["client_password_file"], *options["crl_files"], *options["ocsp_files"])
    unknown = sorted(set(options["skipped"]) - set(room.BY_ID))
    if unknown:
        raise CommandFailure(f"--skip: there is no case {plain(', '.join(unknown))}; --list shows them", "USAGE")
    good = read_credential(options["key"], options["chain"], options["password_file"])
    pki, folder = options["pki"], options["certificates"]
    endpoint = _endpoint(url, options)
    verifier = _verifier(options)
    given = room.Given(
        ocsp=tuple(read_file(path, "the OCSP response") for path in options["ocsp_files"]),
        crls=tuple(read_crl(path) for path in options["crl_files"]),
    )
    settings = room.ProbeSettings(
        skip=frozenset(options["skipped"]), seconds=options["timeout"], send_chain=SendChain(options["send_chain"])
    )
    made = room.credentials(
        good,
        at=utc_now(),
        pki=None if pki is None else Path(pki),
        folder=None if folder is None else Path(folder),
        password=read_password(options["password_file"]),
    )
    try:
        with _Progress(len(room.CASES)) as progress:
            return room.probe(
                endpoint,
                kind=Kind(options["kind"]),
                credentials=made,
                verifier=verifier,
                settings=settings,
                given=given,
                on_case=progress.show,
            )
    except room.WireError as error:
        raise CommandFailure(
            f"nothing could be sent to {plain(endpoint.shown)}: {error.detail}", "UNREACHABLE"
        ) from None


def _endpoint(url: str, options: dict[str, Any]) -> Endpoint:
    from ..ddas import probe as room  # noqa: PLC0415 - an extra

    certificate, key = options["client_cert"], options["client_key"]
    if certificate is None and key is not None:
        raise CommandFailure("--client-key needs --client-cert", "USAGE")
    tls = room.Tls(
        ca=options["ca"],
        certificate=certificate,
        key=key,
        password=read_password(options["client_password_file"]),
    )
    return room.Endpoint(url, fields=_fields(options["fields"]), tls=tls)


def _fields(path: str | None) -> tuple[tuple[str, str], ...]:
    """Lines `Name: value`; in a file, for a token on the command line could be read by everybody on this machine."""
    if path is None:
        return ()
    try:
        text = read_file(path, "the field lines").decode("ascii")
    except UnicodeDecodeError:
        raise CommandFailure("the field lines are ASCII") from None
    split = [line.partition(":") for line in text.splitlines() if line.strip()]
    if not all(colon for _, colon, _ in split):
        raise CommandFailure("a field line has the form `Name: value`")
    return tuple((name, value.strip(" \t")) for name, _, value in split)


def _verifier(options: dict[str, Any]) -> Verifier:
    oin, hosts = options["oin"], options["online_hosts"]
    policy = VerificationPolicy(
        profiles=(profiles.DDAS,),
        signers=ANY_TRUSTED if oin is None else {Oin(oin)},
        certificate=CertificateRequirements.GENERIC,
        revocation=RevocationPolicy(mode=RevocationMode(options["revocation"])),
    )
    return Verifier(
        trust=read_trust(options["trust"], options["intermediates"]),
        policy=policy,
        fetcher=online_fetcher(hosts) if options["online"] or hosts else None,
    )


# --- showing -------------------------------------------------------------------------------------------------------


class _Progress:
    """Which case is tried, on a terminal; nothing where nobody looks."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._stack = ExitStack()
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._status = console.status("") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._stack.enter_context(self._status)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, number: int, case: Case) -> None:
        if self._status is not None:
            self._status.update(Text(f"{number} of {self._total}: {case.id}"))


def _list_cases(printer: Printer, cases: tuple[Case, ...]) -> None:
    rows = [(Text(case.id), Text(case.title), Text(case.expected)) for case in cases]
    printer.table(("case", "what is sent", "what must come back"), rows)
    shown = [
        {
            "id": case.id,
            "group": case.group.value,
            "title": case.title,
            "deviation": case.deviation,
            "why": case.why,
            "expected": case.expected,
            "needs": None if case.material is None else case.material.value,
        }
        for case in cases
    ]
    printer.result({"ok": True, "cases": shown})


def _print_report(printer: Printer, report: ProbeReport) -> None:
    from ..ddas.probe import AS_FIRST  # noqa: PLC0415 - an extra

    rows = []
    for result in report.results:
        verdict = result.verdict.value
        came = result.seen if result.code is None else f"{result.status} {result.code}"
        rows.append((Text(_MARKS[verdict], style=_STYLES[verdict]), Text(result.case.id), Text(plain(came))))
    printer.table(("", "case", "came back"), rows)
    wrong = [result for result in report.results if result.verdict.value in {"failed", "not tried"}]
    for result in wrong:
        if result.advice != AS_FIRST:
            _print_what_to_do(printer, result)
    repeated = [result.case.id for result in wrong if result.advice == AS_FIRST]
    if repeated:
        printer.line(", ".join(repeated), style="bold")
        printer.facts({"to do": AS_FIRST})
    _print_facts(printer, report)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in report.as_json()["totals"].items() if number)
    printer.line(f"{report.outcome.value}: {counts}", style=_OUTCOMES[report.outcome.value])
    for note in report.notes:
        printer.line(f"  note: {note}", style="yellow")


def _print_what_to_do(printer: Printer, result: CaseResult) -> None:
    printer.line(f"{result.case.id}: {result.case.title}", style="bold")
    rows: dict[str, object] = {"expected": result.case.expected}
    if result.findings:
        rows["found"] = "; ".join(finding.detail for finding in result.findings)
    rows["to do"] = result.advice
    printer.facts(rows)


def _print_facts(printer: Printer, report: ProbeReport) -> None:
    found = report.provider
    rows: dict[str, object] = {"endpoint": report.address, "asked for": report.kind.value}
    if report.waits:
        rows["had to wait"] = f"{len(report.waits)} times, {sum(report.waits):.0f} seconds"
    if found is not None:
        rows["signed by"] = ", ".join(filter(None, (found.common_name, found.organization)))
        rows["OIN"] = found.oin
        rows["days left"] = found.signature.certificate_days_left
        rows["profile"] = found.signature.profile
        rows["field"] = f"{found.signature.field_length} characters"
    printer.line()
    printer.facts(rows)


def _check_html(path: str | None) -> None:
    """Return when the file can be written: now, and not when all is done. Until then it stays as it is, or absent."""
    if path is None:
        return
    is_new = not os.path.lexists(path)
    _write_html(path, "", mode="a")
    if is_new:
        Path(path).unlink(missing_ok=True)


def _write_html(path: str, text: str, *, mode: str = "w") -> None:
    try:
        with Path(path).open(mode, encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such name"
        raise CommandFailure(f"the report cannot be written: {reason}", code="OUTPUT") from None
