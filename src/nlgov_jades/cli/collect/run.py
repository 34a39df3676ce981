"""`nlgov-jades collect`: options to a consumer, the collection, and the report. How a page is judged is in `nlgov_jades.ddas`."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx

from ... import profiles
from ...ddas import (
    CollectionStatus,
    Consumer,
    FleetReport,
    Provider,
    Question,
    collect_fleet,
    terminal_progress,
)
from ...ddas.probe import Tls
from ...fetch.httpx import HttpxFetcher
from ...policy import CertificateRequirements, RevocationMode, RevocationPolicy
from ...sign import Signer
from ..failure import CommandFailure, NotValid
from ..inputs import check_standard_input, new_folder, read_credential, read_password, read_trust
from ..interrupts import terminated_as_interrupted
from ..online import online_limits
from ..output import Printer
from .fleet_file import read_fleet
from .pages import Pages

__all__ = ["run"]

REPORT = "report.json"


def run(fleet: str, options: dict[str, Any], *, as_json: bool) -> None:
    """Collect from a fleet.

    Args:
        fleet: The file that names it.
        options: Of the command, by name.
        as_json: Print one JSON object.

    Raises:
        NotValid: Not everything of everybody is there.
        CommandFailure: An option or a file cannot be used.
        ConfigurationError: A key, certificate or setting cannot.
        OSError: What was collected cannot be written.
    """
    printer = Printer(as_json=as_json)
    check_standard_input(fleet, *(options[name] for name in ("key", "chain", "password_file", "client_password_file")))
    providers, question, consumer = read_fleet(fleet), _question(options), _consumer(options)
    folder = new_folder(options["output"])
    pages = Pages(folder, providers)
    try:
        with terminated_as_interrupted(), terminal_progress() as progress:
            collecting = partial(collect_fleet, consumer=consumer, keep=pages.keep, progress=progress)
            report: FleetReport = anyio.run(collecting, providers, question)
        complete = [one.name for one in report.providers if one.status is CollectionStatus.OK]
        folders = {name: pages.finish(name) for name in complete}
    finally:
        pages.sweep()
    _write_report(folder, report)
    _show(printer, report, folders)


def _question(options: dict[str, Any]) -> Question:
    start, end = (None if day is None else day.date() for day in (options["period_start"], options["period_end"]))
    if start is not None and end is not None and end < start:
        raise CommandFailure("--period-end lies before --period-start", "USAGE")
    return Question(start=start, end=end, organisation=options["organisation"], page_size=options["page_size"])


def _consumer(options: dict[str, Any]) -> Consumer:
    credential = read_credential(options["key"], options["chain"], options["password_file"])
    mode, hosts, policies = RevocationMode(options["revocation"]), options["online_hosts"], options["policies"]
    requirements = CertificateRequirements.PKIOVERHEID_SIGNING
    return Consumer(
        signer=Signer(credential, profile=profiles.DDAS, send_chain=options["send_chain"]),
        trust=read_trust(options["trust"], options["intermediates"]),
        transport=_transports(options),
        certificate=requirements.replace(policies=frozenset(policies)) if policies else requirements,
        revocation=RevocationPolicy(mode=mode),
        max_age=None if options["max_age"] is None else dt.timedelta(seconds=options["max_age"]),
        fetcher=None if mode is RevocationMode.OFF else HttpxFetcher(limits=online_limits(hosts)),
    )


def _transports(options: dict[str, Any]) -> Any:
    """What each provider is reached with: one that trusts these servers, and shows this client certificate."""
    certificate, key = options["client_cert"], options["client_key"]
    if certificate is None and key is not None:
        raise CommandFailure("--client-key needs --client-cert", "USAGE")
    password = read_password(options["client_password_file"])
    context = Tls(ca=options["ca"], certificate=certificate, key=key, password=password).context()

    def transport(_: Provider) -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=context)

    return transport


def _write_report(folder: Path, report: FleetReport) -> None:
    (folder / REPORT).write_text(report.json() + "\n", "ascii")


def _show(printer: Printer, report: FleetReport, folders: dict[str, str]) -> None:
    printer.line(report.table())
    found = report.as_json()
    for one in found["providers"]:
        one["folder"] = folders.get(one["name"])
    printer.result({"ok": report.is_complete, **found})
    if not report.is_complete:
        raise NotValid
