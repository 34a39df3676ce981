"""What an answer of vroegsignalering holds, in our own words: a stand-in where the published description only points.

`DDAS-VS.yaml` refers to a schema on another server, which is not among the published data that the tests read. This one was
written from the names, types and values that VNG publishes for VS 1.0. It is closed everywhere, so it is stricter than that
schema, and it proves nothing about members that this library does not write.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
YES_OR_NO = {"type": "boolean"}
NUMBER = {"type": "integer"}
DAY = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time"}
EMAIL = {"type": "string", "format": "email"}


def one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def closed(required: str, **members: Any) -> dict[str, Any]:
    """An object with these members, `__` standing for a hyphen, and no others."""
    properties = {name.replace("__", "-"): schema for name, schema in members.items()}
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def several(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": True}


_PARTNER = closed(
    "",
    type=one_of(
        *("Energie", "Huur", "Hypotheek", "CAK Zorgverzekeringen", "Zorg", "Water", "DUO", "Belastingdienst"),
        *("CAK Eigen bijdrage", "Overige", "Dienst Toeslagen"),
    ),
)

_STATUS = one_of(
    "Nog niet opgepakt",
    "Niet opgepakt: onterecht signaal",
    "Inwoner is overleden",
    "Persoon is geen inwoner (meer) in de gemeente",
    "Niet opgepakt: herhaalde melding",
    "Niet opgepakt: andere reden",
)

_CLIENT = closed(
    "",
    Burgerservicenummer=TEXT,
    Voorletters=TEXT,
    Voorvoegsel=TEXT,
    Achternaam=TEXT,
    Geboortedatum=DAY,
    Straatnaam=TEXT,
    Postcode=TEXT,
    Huisnummer=TEXT,
    Huisnummertoevoeging=TEXT,
    Plaatsnaam=TEXT,
)

_SIGNAAL = closed(
    "signaalpartner client ID",
    ID=TEXT,
    crisissignaal=YES_OR_NO,
    warmeOverdracht=YES_OR_NO,
    bedrag=NUMBER,
    ontstaansdatum=DAY,
    signaaldatum=DAY,
    status=_STATUS,
    signaalpartner=_PARTNER,
    client=_CLIENT,
)

_CONTACT = closed("", naam=TEXT, telefoonnummer=TEXT, email=EMAIL, functietitel=TEXT)
_ORGANISATION = closed("", naam=TEXT, kvk__nummer=TEXT, contactpersoonen=several(_CONTACT, least=1))

_LEVERING = closed(
    "gemeentecode teller aanleverende_organisatie",
    teller=NUMBER,
    gemeentecode=TEXT,
    aanleverende_organisatie=_ORGANISATION,
    vroegsignalen=several(_SIGNAAL),
)

STAND_IN = closed(
    "startdatumLevering einddatumLevering aanleverdatumEnTijd codeGegevensleverancier leveringen",
    startdatumLevering=DAY,
    einddatumLevering=DAY,
    aanleverdatumEnTijd=MOMENT,
    codeGegevensleverancier=TEXT,
    leveringen=several(_LEVERING, least=1),
)
