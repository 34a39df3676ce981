"""Every draft, checked for the habits that names and rules must keep."""

from __future__ import annotations

import re

from generator import (
    cases_emit,
    cases_octets,
    cases_order,
    cases_read_certificate,
    cases_read_ecdsa,
    cases_read_field,
    cases_read_header,
    cases_read_json,
    cases_read_jws,
    cases_read_rsa,
    cases_read_sigd,
    cases_read_signature,
    cases_read_trust,
)
from generator.model import Draft

_ID = re.compile(r"(?:order|octets|emit|read)-[a-z0-9]+(?:-[a-z0-9]+)*")


def all_drafts() -> list[Draft]:
    """Return all drafts in order of id."""
    groups = (
        cases_octets,
        cases_emit,
        cases_read_field,
        cases_read_header,
        cases_read_sigd,
        cases_read_certificate,
        cases_read_signature,
        cases_read_trust,
        cases_read_rsa,
        cases_read_ecdsa,
        cases_read_jws,
        cases_read_json,
        cases_order,
    )
    drafts = [draft for group in groups for draft in group.drafts()]
    for draft in drafts:
        if not _ID.fullmatch(draft.id) or not draft.id.startswith((f"{draft.rule}-", "order-")):
            raise ValueError(f"the id does not fit the rule: {draft.id}")
    for distinct in ("id", "description"):
        values = [getattr(draft, distinct) for draft in drafts]
        doubles = {value for value in values if values.count(value) > 1}
        if doubles:
            raise ValueError(f"{distinct} used twice: {doubles}")
    return sorted(drafts, key=lambda draft: draft.id)
