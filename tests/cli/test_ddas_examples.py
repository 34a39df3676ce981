"""The published DDAS examples and OpenAPI description, against what the command line signs, and against its demo."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nlgov_jades.ddas.testdata import passes_eleven_test
from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from .command import Done, Run, process, protected_header, signing, trusting

EXAMPLES = ("enkelvoudigVoorbeeld.json", "meervoudigVoorbeeld.json", "meerdereLeveringenVoorbeeld.json")
DESCRIPTIONS = ("DDAS-SHV.yaml", "DDAS-VS.yaml")

QUESTION = (
    b'{"aanleverperiodeStartdatum":"2025-01-01","aanleverperiodeEinddatum":"2025-12-31","page":1,"pageSize":25000}'
)


@pytest.fixture(scope="session")
def ddas(data: Path) -> Path:
    folder = data / "ddas"
    missing = [name for name in (*EXAMPLES, *DESCRIPTIONS) if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"the folder NLGOV_JADES_DATA/ddas lacks {', '.join(missing)}")
    return folder


def request(body: bytes) -> bytes:
    return (
        b"POST /v1/gegevens HTTP/1.1\r\nHost: provider.example.test\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "request": request,
    "bare answer": answer,
    "answer": lambda body: answer(b'{"gegevens":' + body + b"}"),
}


@pytest.fixture(params=[f"{name} as {form}" for name in EXAMPLES for form in FORMS] + ["GegevensRequest as request"])
def message(request: pytest.FixtureRequest) -> bytes:
    """A captured message with a published body."""
    name, _, form = request.param.partition(" as ")
    folder: Path = request.getfixturevalue("ddas")
    body = QUESTION if name == "GegevensRequest" else (folder / name).read_bytes()
    return FORMS[form](body)


@pytest.fixture
def signed(message: bytes, run: Run, files: Path) -> bytes:
    done = run("sign", "-", "-o", "-", *signing(files), "--profile", "ddas", stdin=message)
    assert done.status == 0
    return done.out


def verified(run: Run, files: Path, octets: bytes) -> Done:
    policy = ("--profile", "ddas", "--oin", EXAMPLE_OIN)
    return run("verify", "-", *trusting(files), *policy, "--json", stdin=octets)


# --- signed and verified -------------------------------------------------------------------------------------


def test_an_example_is_signed_and_verified(signed: bytes, run: Run, files: Path) -> None:
    done = verified(run, files, signed)
    assert done.status == 0
    assert (done.json["valid"], done.json["profile"], done.json["algorithm"]) == (True, "ddas", "PS256")
    assert done.json["signer"]["oin"] == EXAMPLE_OIN


def test_every_octet_of_an_example_is_sent_as_it_was(signed: bytes, message: bytes) -> None:
    assert signed.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("where", [0, 0.25, 0.5, 0.75, 1])
def test_an_example_of_which_one_octet_was_changed_is_refused(
    where: float, signed: bytes, run: Run, files: Path
) -> None:
    head, _, body = signed.partition(b"\r\n\r\n")
    position = round(where * (len(body) - 1))
    changed = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
    done = verified(run, files, head + b"\r\n\r\n" + changed)
    assert (done.status, done.error) == (1, "DIGEST_MISMATCH")


def test_an_example_that_was_serialised_again_is_refused(signed: bytes, run: Run, files: Path) -> None:
    # The same JSON, other octets: what a gateway does that parses and prints.
    head, _, body = signed.partition(b"\r\n\r\n")
    again = json.dumps(json.loads(body), indent=1).encode()
    assert again != body
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(again), head)
    done = verified(run, files, head + b"\r\n\r\n" + again)
    assert (done.status, done.error) == (1, "DIGEST_MISMATCH")


# --- the OpenAPI description ---------------------------------------------------------------------------------


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_the_digest_matches_the_pattern_of_the_description(description: str, signed: bytes, ddas: Path) -> None:
    pattern = re.search(r"pattern: '(\^SHA-256=.*\$)'", (ddas / description).read_text("utf-8"))
    assert pattern is not None
    digests = [line.partition(b": ")[2] for line in signed.splitlines() if line.startswith(b"Digest:")]
    assert len(digests) == 1
    assert re.fullmatch(pattern[1], digests[0].decode())


def test_the_protected_header_holds_what_the_description_asks_for(signed: bytes) -> None:
    header = protected_header(signed)
    assert header["alg"] == "PS256"
    assert header["typ"] == "JOSE"
    assert isinstance(header["kid"], str)
    assert header["kid"]
    assert len(header["x5c"]) == 3  # the whole chain without the root, which the receiver has


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_the_names_of_the_fields_are_those_of_the_description(description: str, signed: bytes, ddas: Path) -> None:
    text = (ddas / description).read_text("utf-8")
    for name in ("Digest", "nlgov-adr-payload-sig"):
        assert re.search(rf"^ +{name}:$", text, re.MULTILINE)
        assert f"\r\n{name}: ".encode() in signed


# --- the messages of the demo ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The messages that a demo kept."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    assert process("demo", "--keep", folder).status == 0
    return folder / "messages"


def bodies(folder: Path, name: str) -> list[dict[str, Any]]:
    """The bodies of these messages, parsed."""
    found = [json.loads(path.read_bytes().partition(b"\r\n\r\n")[2]) for path in folder.glob(f"*-{name}.http")]
    assert found
    return found


def uitwisselmodel(ddas: Path) -> jsonschema.Draft202012Validator:
    schema = json.loads((ddas / "json_schema_Uitwisselmodel.json").read_bytes())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_published_examples_keep_the_published_schema(name: str, ddas: Path) -> None:
    # Otherwise the next test would prove nothing about the schema that was read.
    uitwisselmodel(ddas).validate(json.loads((ddas / name).read_bytes()))


def test_the_answers_of_the_demo_keep_the_published_schema(exchanged: Path, ddas: Path) -> None:
    answers = bodies(exchanged, "municipality-answer")
    for answer in answers:
        uitwisselmodel(ddas).validate(answer["gegevens"])


def test_an_answer_without_a_required_member_does_not(exchanged: Path, ddas: Path) -> None:
    answer = bodies(exchanged, "municipality-answer")[0]["gegevens"]
    del answer["codeGegevensleverancier"]
    with pytest.raises(jsonschema.ValidationError):
        uitwisselmodel(ddas).validate(answer)


def schema_text(ddas: Path, description: str, name: str) -> str:
    """The lines of one schema in a description; no YAML reader is at hand."""
    text = (ddas / description).read_text("utf-8")
    match = re.search(rf"^    {name}:\n((?:      .*\n|\n)+)", text, re.MULTILINE)
    assert match is not None
    return match[1]


def properties(text: str) -> dict[str, str]:
    """Name and lines of each property."""
    parts = re.split(r"^        (\w+):\n", text.partition("properties:\n")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keeps(value: object, rules: str) -> bool:
    """Whether a value keeps the rules of one property: type, minimum and format."""
    if "type: integer" in rules:
        minimum = re.search(r"minimum: (\d+)", rules)
        return type(value) is int and minimum is not None and value >= int(minimum[1])
    assert "type: string" in rules
    if "format: date" in rules:
        return isinstance(value, str) and str(dt.date.fromisoformat(value)) == value
    return isinstance(value, str)


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_the_questions_of_the_demo_keep_the_published_schema(description: str, exchanged: Path, ddas: Path) -> None:
    text = schema_text(ddas, description, "GegevensRequest")
    assert "additionalProperties: false" in text
    rules = properties(text)
    questions = [*bodies(exchanged, "municipality-question"), *bodies(exchanged, "supplier-question")]
    assert all(keeps(value, rules[name]) for question in questions for name, value in question.items())


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_the_pagination_of_the_demo_keeps_the_published_schema(description: str, exchanged: Path, ddas: Path) -> None:
    rules = properties(schema_text(ddas, description, "Paginering"))
    for answer in [*bodies(exchanged, "municipality-answer"), *bodies(exchanged, "supplier-answer")]:
        pagination = answer["paginering"]
        assert pagination.keys() == rules.keys()  # all four are required
        assert all(keeps(value, rules[name]) for name, value in pagination.items())


def burgerservicenummers(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "Burgerservicenummer":
                yield item
            yield from burgerservicenummers(item)
    if isinstance(value, list):
        for item in value:
            yield from burgerservicenummers(item)


def test_no_number_in_the_demo_can_be_that_of_a_person(exchanged: Path) -> None:
    assert passes_eleven_test("111222333"), "one that can"
    answers = [*bodies(exchanged, "municipality-answer"), *bodies(exchanged, "supplier-answer")]
    numbers = {number for answer in answers for number in burgerservicenummers(answer)}
    assert len(numbers) > 300
    assert all(re.fullmatch(r"\d{9}", number) and not passes_eleven_test(number) for number in numbers)
