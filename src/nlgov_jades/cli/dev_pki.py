"""`nlgov-jades dev-pki`: a throw-away hierarchy on disk, for development and tests."""

from __future__ import annotations

from shlex import quote
from urllib.parse import urlsplit

import click

from ..pki.identity import Kvk, Oin
from ..testing.folder import AUTHORITY_FOLDER, CaKeys, save_hierarchy, save_signer
from ..testing.hierarchy import EXAMPLE_OIN, Hierarchy, Issued
from .dev_pki_revoke import reinstate, revoke
from .dev_pki_serve import DEFAULT_PORT, check_revocation_url, serve, shown_path
from .failure import CommandFailure
from .inputs import json_option, new_folder, read_password
from .output import Printer

__all__ = ["dev_pki"]

MAX_DAYS = 3650
_MAX_NAME = 64  # ub-common-name and ub-organization-name, RFC 5280 appendix A


@click.group(name="dev-pki", no_args_is_help=False)
def dev_pki() -> None:
    """Throw-away certificates in the shape of PKIoverheid's. Trust none of it."""


@dev_pki.command()
@click.argument("folder", metavar="FOLDER")
@click.option("--oin", default=EXAMPLE_OIN, show_default=True, metavar="OIN", help="OIN of the signer.")
@click.option("--kvk", metavar="NUMBER", help="KVK number of the signer.")
@click.option("--common-name", default="gegevens.gemeente.example", show_default=True, help="Name of the signer.")
@click.option("--organization", default="Gemeente Voorbeeldstad", show_default=True, help="Organisation of the signer.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=365, show_default=True, help="How long all is valid.")
@click.option("--password-file", metavar="F", help="Its first line encrypts the signer's key.")
@click.option(
    "--with-ca-keys", is_flag=True, help="Keep the CA keys in FOLDER/ca, mode 0600: `dev-pki serve` needs them."
)
@click.option(
    "--revocation-url",
    metavar="URL",
    help=f"Let the certificates name OCSP and CRLs below this URL, such as http://127.0.0.1:{DEFAULT_PORT}, where "
    "`dev-pki serve` answers. Keeps the CA keys.",
)
@json_option
def new(
    folder: str,
    oin: str,
    kvk: str | None,
    common_name: str,
    organization: str,
    days: int,
    password_file: str | None,
    with_ca_keys: bool,
    revocation_url: str | None,
    as_json: bool,
) -> None:
    """Write a new four-level hierarchy and one signer into FOLDER, which must be new or empty.

    What is made is a root, two CAs below it, and one signer's certificate with its key. The CA keys are kept only with
    --with-ca-keys or --revocation-url: whoever has them makes certificates that this root vouches for.
    """
    printer = Printer(as_json=as_json)
    password = read_password(password_file)
    number, trade = Oin(oin), None if kvk is None else Kvk(kvk)
    if not all(0 < len(name) <= _MAX_NAME for name in (common_name, organization)):
        raise CommandFailure(f"a name in a certificate has 1 to {_MAX_NAME} characters", code="USAGE")
    base = None if revocation_url is None else check_revocation_url(revocation_url)
    ca_keys = CaKeys.KEPT if with_ca_keys or base is not None else CaKeys.LEFT_OUT
    hierarchy = Hierarchy.new(days=days, revocation_url=base)
    signer = _signer(hierarchy, common_name, organization, number, trade, password)
    target = new_folder(folder)
    files = [*save_hierarchy(hierarchy, target, ca_keys=ca_keys), *save_signer(signer, target, password=password)]
    shown = shown_path(folder)
    printer.line(f"written to {shown}: {', '.join(name for name in files if '/' not in name)}", style="green")
    if ca_keys is CaKeys.KEPT:
        printer.line(f"and the CA keys, readable only by you, to {shown}/{AUTHORITY_FOLDER}", style="green")
    for line in [*_sign_and_verify(shown, password_file), *_serve_and_revoke(shown, hierarchy, ca_keys)]:
        printer.line(line)
    facts = {"folder": shown, "files": files, "oin": str(number), "kvk": kvk, "revocation_url": base}
    printer.result({"ok": True, **facts})


for _command in (serve, revoke, reinstate):
    dev_pki.add_command(_command)


def _signer(
    hierarchy: Hierarchy, common_name: str, organization: str, oin: Oin, kvk: Kvk | None, password: bytes | None
) -> Issued:
    """A signer whose key can be written: before anything is."""
    try:
        signer = hierarchy.tsp.issue(
            common_name=common_name,
            organization=organization,
            oin=str(oin),
            kvk=None if kvk is None else str(kvk),
        )
    except ValueError:  # no text, or more octets than characters
        raise CommandFailure(
            "a name cannot be written into a certificate: too long, or no text", code="USAGE"
        ) from None
    try:
        signer.key_pem(password)
    except ValueError:
        raise CommandFailure("the password cannot encrypt a key: it is too long", code="USAGE") from None
    return signer


def _sign_and_verify(folder: str, password_file: str | None) -> list[str]:
    locked = "" if password_file is None else f" --password-file {quote(shown_path(password_file))}"
    key, chain, root = (quote(f"{folder}/{name}") for name in ("signer-key.pem", "signer-chain.pem", "root.pem"))
    return [
        "sign with it, and verify:",
        f"  nlgov-jades sign IN -o OUT --key {key} --chain {chain}{locked}",
        f"  nlgov-jades verify OUT --trust {root} --revocation off",
    ]


def _serve_and_revoke(folder: str, hierarchy: Hierarchy, ca_keys: CaKeys) -> list[str]:
    if ca_keys is CaKeys.LEFT_OUT:
        return []
    verify = f"  nlgov-jades verify OUT --trust {quote(f'{folder}/root.pem')}"
    if (url := hierarchy.root.revocation_url) is not None:
        verified = [f"{verify} --online --online-host {urlsplit(url).netloc}"]
    else:
        paths = [authority.crl_path for authority in hierarchy.authorities]
        crls = " ".join(f"--crl {path.rpartition('/')[2]}" for path in paths)
        downloads = " ".join(f"-O http://127.0.0.1:{DEFAULT_PORT}{path}" for path in paths)
        verified = [f"  curl {downloads}", f"{verify} {crls}"]
    return [
        "serve OCSP and CRLs, and in another terminal verify with them, then revoke:",
        f"  nlgov-jades dev-pki serve {quote(folder)}",
        *verified,
        f"  nlgov-jades dev-pki revoke {quote(folder)} {quote(f'{folder}/signer-chain.pem')}",
    ]
