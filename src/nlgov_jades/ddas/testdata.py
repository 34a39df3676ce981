"""Made-up records of any number, for tests: nobody's data. Chance comes from the caller, so the same seed gives the same.

Every citizen service number fails the eleven-test, so none is anybody's. Trajecten satisfy the published schema of SHV 1.0, and
have every value and part that it knows within a few hundred. Signalen follow the members and values that VNG publishes for VS
1.0; no schema of VS is among the data of the tests, which hold them against one that was written from those.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import Any

from .kinds import Kind, Organisation

__all__ = ["citizen_service_number", "organisations", "passes_eleven_test", "signalen", "trajecten"]

_WHOLE = 20
"""Every so many records one has all the parts that there are; the others are as short as real ones."""

_SEXES = ("Man", "Vrouw", "Onbekend", "Leeg")
_GUIDANCE = (
    "Budgetcoaching",
    "Budgetbeheer",
    "Beschermingsbewind",
    "Lange Termijn Begeleiding (DFD)",
    "Budgetbegeleiding",
)
_REASONS = (
    "Overleden",
    "Verhuisd",
    "Nietverschenen",
    "Ingetrokken",
    "Niet passend",
    "Overig",
    "Voldoet niet",
    "Afgerond",
    "Zelf",
)
_DEBTS = ("Zorg", "Publiek", "Nuts", "Overig")
_SOLUTIONS = ("Betalingsregeling", "Herfinanciering", "Saneringskrediet", "Schuldbemiddeling", "0%-aanbod")
_DECISIONS = ("Afwijzingsbeschikking", "Toelatingsbeschikking")
_STATUSES = (
    "Nog niet opgepakt",
    "Niet opgepakt: onterecht signaal",
    "Inwoner is overleden",
    "Persoon is geen inwoner (meer) in de gemeente",
    "Niet opgepakt: herhaalde melding",
    "Niet opgepakt: andere reden",
)
_PARTNERS = (
    *("Energie", "Huur", "Hypotheek", "CAK Zorgverzekeringen", "Zorg", "Water", "DUO", "Belastingdienst"),
    *("CAK Eigen bijdrage", "Overige", "Dienst Toeslagen"),
)
_PLACES = ("Súdermeer", "Oud-Hoorndijk", "'s-Gravenweert", "Nieuwerbeek", "Zuidhaven", "Groot-Loon")
_SURNAMES = ("Jansen", "Bakker", "Çelik", "Visser", "El Amrani", "Hoekstra", "Nguyễn")
_LETTERS = "ABCDEFGHJKLMNPRSTVWXZ"


def passes_eleven_test(number: str) -> bool:
    """Whether nine digits can be a citizen service number."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(weight * int(digit) for weight, digit in zip(weights, number, strict=True)) % 11 == 0


def citizen_service_number(random: Random) -> str:
    """Nine digits that are nobody's: they fail the eleven-test."""
    number = f"{random.randrange(100_000_000, 1_000_000_000)}"
    # Another last digit is another remainder.
    return number[:8] + str((int(number[8]) + 1) % 10) if passes_eleven_test(number) else number


def organisations(kind: Kind, count: int, random: Random) -> Iterator[Organisation]:
    """Organisations that deliver.

    Args:
        kind: What they deliver.
        count: How many.
        random: Gives the chance.
    """
    for number, place in zip(range(1, count + 1), cycle(_PLACES)):
        name = f"Gemeente {place} {number}"
        contact = {"naam": f"Team {place}", "telefoonnummer": "0612345678", "email": f"team{number}@gemeente.example"}
        contact["functietitel"] = "Coördinator"
        kvk = f"{random.randrange(10_000_000, 100_000_000)}"
        if kind is Kind.SHV:
            details: dict[str, Any] = {"(Statutaire) Naam": name, "KvK-nummer": kvk, "postcode": _postcode(random)}
            details |= {"gemeentecode": f"GM{number:04}", "contactpersonen": [contact]}
            yield Organisation.of(kind, details)
        else:
            details = {"naam": name, "kvk-nummer": kvk, "contactpersoonen": [contact]}
            yield Organisation.of(kind, details, gemeentecode=f"{number:04}")


def _postcode(random: Random) -> str:
    return f"{random.randrange(1000, 10_000)}{random.choice(_LETTERS)}{random.choice(_LETTERS)}"


class _Calendar:
    """Days that follow each other.

    Args:
        random: Gives the chance.
        day: The first.
    """

    def __init__(self, random: Random, day: dt.date) -> None:
        self._random = random
        self._day = day

    def next(self, most: int = 30) -> str:
        """A later day, or the same, at most so many days on."""
        self._day += dt.timedelta(days=self._random.randrange(most + 1))
        return self._day.isoformat()

    def period(self, most: int = 30) -> dict[str, str]:
        """Two days that follow."""
        return {"startdatum": self.next(most), "einddatum": self.next(most)}


# --- SHV -----------------------------------------------------------------------------------------------------------


def trajecten(
    count: int, random: Random, *, first: dt.date = dt.date(2024, 1, 1), days: int = 366
) -> Iterator[dict[str, Any]]:
    """Schuldhulptrajecten, made one by one.

    Args:
        count: How many.
        random: Gives the chance.
        first: The first day on which one begins.
        days: Within how many days they all begin.
    """
    sexes, guidance, reasons = cycle(_SEXES), cycle(_GUIDANCE), cycle(_REASONS)
    debts, solutions, decisions = cycle(_DEBTS), cycle(_SOLUTIONS), cycle(_DECISIONS)
    for number in range(count):
        calendar = _Calendar(random, first + dt.timedelta(days=random.randrange(max(days, 1))))
        traject: dict[str, Any] = {"gemeentecode": f"GM{random.randrange(1, 1000):04}"}
        traject["omschrijving"] = f"Traject {number + 1}"
        traject["client"] = [_client(random, next(sexes)) for _ in range(1 + (number % 5 == 0))]
        begin, end = calendar.next(0), None
        traject["aanmelding"] = {**calendar.period(), "crisisinterventie": random.random() < 0.1}  # noqa: PLR2004 - one in ten
        is_whole = number % _WHOLE == 0
        if is_whole:
            _before(traject, calendar, random, next(decisions))
        if is_whole or number % 2:
            traject["toekenningsdatum"] = calendar.next()
            traject["totaalSchuldbedragBijAanvangSchuld"] = random.randrange(500, 90_000)
            traject["begeleiding"] = [{"soort": next(guidance), **calendar.period()}]
        if is_whole:
            _during(traject, calendar, random, next(solutions))
            traject["schulden"] = [_debt(random, next(debts), calendar.next()) for _ in range(3)]
            _after(traject, calendar)
        if is_whole or number % 3 == 0:
            end = calendar.next()
            traject["uitstroom"] = {"datum": end, "reden": next(reasons)}
        if is_whole:
            traject["uitstroom"] |= {"datumBeeindigingsbeschikking": calendar.next(), "omschrijving": "Afgesloten"}
            traject["nazorg"] = calendar.period()
        yield {"startdatum": begin, **({} if end is None else {"einddatum": end}), **traject}


def _client(random: Random, sex: str) -> dict[str, str]:
    client = {
        "Burgerservicenummer": citizen_service_number(random),
        "Geboortedatum": (dt.date(1940, 1, 1) + dt.timedelta(days=random.randrange(24_000))).isoformat(),
        "Geslachtsaanduiding": sex,
        "Postcode": _postcode(random),
        "Huisnummer": str(random.randrange(1, 400)),
    }
    return client | ({"Huisnummertoevoeging": random.choice("ABC")} if random.random() < 0.2 else {})  # noqa: PLR2004 - one in five


def _before(traject: dict[str, Any], calendar: _Calendar, random: Random, decision: str) -> None:
    traject["crisisinterventies"] = [calendar.period(7)]
    traject["informatieEnAdvies"] = calendar.period()
    intake: dict[str, str] = calendar.period()
    traject["intake"] = intake | {"beschikkingsdatum": calendar.next(), "beschikkingssoort": decision}
    traject["planVanAanpak"] = {"datumAfronding": calendar.next(60)}
    traject["stabilisatie"] = calendar.period(120)
    asked, granted = calendar.next(), calendar.next()
    traject["moratoria"] = [
        {"datumAanvraag": asked, "datumGoedkeuring": granted, **calendar.period(random.randrange(90))}
    ]


def _during(traject: dict[str, Any], calendar: _Calendar, random: Random, solution: str) -> None:
    settlement: dict[str, Any] = {"datum": calendar.next()}
    outcome = random.choice(("afgewezen", "ingetrokken", "toegekend"))
    if outcome == "afgewezen":
        settlement |= {"afgewezen": calendar.next(), "datumVerzoekDwangakkoord": calendar.next(), "dwangakkoord": True}
    else:
        settlement |= {outcome: calendar.next(), "dwangakkoord": False}
    traject["schuldregeling"] = settlement
    traject["voorlopigeVoorzieningen"] = [calendar.period()]
    traject["oplossing"] = {"soort": solution, **calendar.period(540), "vtlb": random.randrange(900, 2200)}


def _after(traject: dict[str, Any], calendar: _Calendar) -> None:
    traject["begeleiding"].append({"soort": _GUIDANCE[0], "startdatum": calendar.next()})


def _debt(random: Random, kind: str, day: str) -> dict[str, Any]:
    creditor: dict[str, Any] = {"naam": f"Schuldeiser {random.randrange(1000)}", "privepersoon": random.random() < 0.1}  # noqa: PLR2004 - one in ten
    creditor |= {"kvknummer": f"{random.randrange(10_000_000, 100_000_000)}", "postcode": _postcode(random)}
    creditor["Naam"] = creditor["naam"]
    amount = random.randrange(20, 20_000)
    return {"bedrag": amount, "peildatum": day, "schuldsoort": kind, "zakelijkeSchuld": False, "schuldeiser": creditor}


# --- VS ------------------------------------------------------------------------------------------------------------


def signalen(
    count: int, random: Random, *, first: dt.date = dt.date(2024, 1, 1), days: int = 366
) -> Iterator[dict[str, Any]]:
    """Vroegsignalen, made one by one.

    Args:
        count: How many.
        random: Gives the chance.
        first: The first day on which one is sent.
        days: Within how many days they are all sent.
    """
    for number, status, partner in zip(range(count), cycle(_STATUSES), cycle(_PARTNERS)):
        sent = first + dt.timedelta(days=random.randrange(max(days, 1)))
        client = _client(random, "")
        del client["Geslachtsaanduiding"]
        client |= {"Voorletters": f"{random.choice(_LETTERS)}.", "Achternaam": random.choice(_SURNAMES)}
        client |= {"Voorvoegsel": "van der"} if number % 7 == 0 else {}
        client |= {"Straatnaam": "Dorpsstraat", "Plaatsnaam": random.choice(_PLACES)}
        yield {
            "ID": f"VS-{sent.year}-{number + 1:06}",
            "crisissignaal": number % 10 == 0,
            "warmeOverdracht": number % 4 == 0,
            "bedrag": random.randrange(50, 4000),
            "ontstaansdatum": (sent - dt.timedelta(days=random.randrange(1, 90))).isoformat(),
            "signaaldatum": sent.isoformat(),
            "status": status,
            "signaalpartner": {"type": partner},
            "client": client,
        }
