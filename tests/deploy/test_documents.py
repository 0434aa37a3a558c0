"""The documents say what is so: settings, commands, keys of catalogs, addresses of systems, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings
from typer.core import TyperGroup
from typer.main import get_command

from application import addresses
from catalogs.loader import inspect_catalogs
from catalogs.model.fulfilment import (
    PolicyBlock,
    ProductFulfilment,
    ResourceFulfilment,
    ResourceRequirement,
    ServiceFulfilment,
    ServiceRequirement,
)
from cli import app
from console.exits import EXIT_CODES
from embedded.ports import Ports
from orders.lifecycle.admission import Message
from orders.plan.policy import Policy
from settings import Settings
from tests.deploy.repository import ROOT, files, read
from tmf.paths import TMF640, TMF702
from workflows.contracts.payloads import Amend, Cancel, Complete, Hold, Reschedule, Resolve, Resume
from workflows.contracts.search_attributes import TYPES

DOCUMENTS = [path for path in files() if path.endswith(".md")]
HOSTS = [
    *(("pypi", "org"), ("pythonhosted", "org"), ("docker", "io"), ("docker", "com"), ("ghcr", "io"), ("quay", "io")),
    *(("gcr", "io"), ("azurecr", "io"), ("debian", "org"), ("ubuntu", "com"), ("npmjs", "org"), ("npmjs", "com")),
    *(("crates", "io"), ("golang", "org"), ("anaconda", "org")),
]
"""In two parts, so that this file does not name them either."""


def rows(document: str) -> list[list[str]]:
    """Return the cells of every row of every table."""
    lines = [line for line in read(document).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def named(document: str) -> set[str]:
    """Return what is written as code in the first cells of tables."""
    return {name for row in rows(document) for name in re.findall(r"`([^`]+)`", row[0])}


def code(document: str, language: str, heading: str) -> list[str]:
    """Return the blocks of a language that come after a heading."""
    _, _, text = read(document).partition(f"\n{heading}\n")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def default_of(settings: type[BaseSettings], field: str) -> str:
    value = to_jsonable_python(settings.model_fields[field].default)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "–" if value is None else f"`{str(value).removesuffix('/')}`"


@pytest.mark.parametrize("settings", [Settings, Ports])
def test_every_setting_is_in_the_tables_with_its_default(settings: type[BaseSettings]) -> None:
    written = {row[0].strip("`"): row[1] for row in rows("docs/operations.md") if row[0].startswith("`ORDERSAGA_")}
    expected = {f"ORDERSAGA_{field.upper()}": default_of(settings, field) for field in settings.model_fields}
    assert {name: written.get(name) for name in expected} == expected


def test_no_setting_is_in_the_tables_that_there_is_not() -> None:
    known = {f"ORDERSAGA_{field.upper()}" for each in (Settings, Ports) for field in each.model_fields}
    assert {name for name in named("docs/operations.md") if name.startswith("ORDERSAGA_")} == known


def test_variables_of_the_compose_file_are_in_the_table_of_its_readme() -> None:
    offered = set(re.findall(r"^#?([A-Z_]+)=", read("deploy/.env.example"), re.MULTILINE))
    assert {name for name in named("deploy/README.md") if re.fullmatch("[A-Z_]+", name)} == offered


def test_exit_codes_are_those_of_the_command() -> None:
    told = {match[0]: match[1].strip() for match in re.findall(r"(\d+) ([^·.:]+)", EXIT_CODES.replace("\n", " "))}
    written = {row[0]: row[1] for row in rows("docs/operations.md") if row[0].isdecimal()}
    assert written == told


def test_search_attributes_are_those_that_are_registered() -> None:
    written = {row[0].strip("`"): row[1] for row in rows("docs/operations.md") if row[0].startswith("`Order")}
    assert written == TYPES


def commands() -> Iterator[tuple[str, str]]:
    """Yield every `ordersaga …` that a document shows, with the document."""
    for document in DOCUMENTS:
        shown = re.findall(r"(?:`|^|\$ |&& )(ordersaga [a-z][^`\n#]*)", read(document), re.MULTILINE)
        yield from ((document, each.strip()) for each in shown)


def _is_option(words: list[str]) -> bool:
    """Return whether what comes next is no command of a group."""
    return not words or words[0].startswith("-")


def test_commands_that_documents_show_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = 0
    for document, line in commands():
        words = shlex.split(line.partition(" | ")[0])[1:]
        for word in words:
            if word.endswith(".json"):
                (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / word).write_text("{}")
        command = get_command(app)
        while isinstance(command, TyperGroup) and not (command.invoke_without_command and _is_option(words)):
            assert words, f"{document}: {line}: no command"
            assert words[0] in command.commands, f"{document}: {line}: there is no command {words[0]!r}"
            command, words = command.commands[words[0]], words[1:]
        known = {option for each in command.params for option in each.opts}
        unknown = {word.split("=")[0] for word in words if word.startswith("--")} - known
        assert not unknown, f"{document}: {line}: no option {', '.join(unknown)}"
        seen += 1
    assert seen > 10


MESSAGES: dict[str, type[BaseModel]] = {
    "cancel": Cancel,
    "hold": Hold,
    "resume": Resume,
    "amend": Amend,
    "resolve": Resolve,
    "complete": Complete,
    "reschedule": Reschedule,
}


def test_every_message_is_in_the_operators_guide_with_what_it_takes() -> None:
    written = {row[0].strip("`"): row[3] for row in rows("docs/operations.md") if len(row) == 4}
    assert set(MESSAGES) == {each.value for each in Message}
    for message, model in MESSAGES.items():
        known = aliases(model) - {"task"} if message == "cancel" else aliases(model)
        named_there = set(re.findall(r'"(\w+)"', written[message]))
        assert named_there == known - ({"reason"} if message == "amend" else set()), message


def test_messages_of_commands_that_documents_show_are_understood() -> None:
    command = r"workflow (?:signal|update execute) (?:-w|--workflow_id|--workflow-id) \S+ --name (\w+)"
    shown: list[tuple[str, str]] = [
        match
        for document in DOCUMENTS
        for match in re.findall(command + r"(?: \\?\s*--input '([^']*)')?", read(document))
    ]
    for name, argument in shown:
        if name in MESSAGES and argument:
            MESSAGES[name].model_validate_json(argument)
    assert {name for name, _ in shown} >= set(MESSAGES)
    assert {name for name, _ in shown} - set(MESSAGES) == {"your_turn", "pause", "stop"}


def aliases(*models: type[BaseModel]) -> set[str]:
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def test_every_key_of_a_fulfilment_block_is_explained() -> None:
    blocks = aliases(ProductFulfilment, ServiceFulfilment, ResourceFulfilment)
    assert blocks | aliases(ServiceRequirement, ResourceRequirement, PolicyBlock) <= named("docs/catalogs.md")


def test_defaults_of_policies_are_those_that_count() -> None:
    _, _, policies = read("docs/catalogs.md").partition("### Policies")
    written = dict(
        re.findall(r"^\| `(\w+)` \| `?([\w]+)`? \|", policies.partition("\n\n| `onFailure`")[0], re.MULTILINE)
    )
    assert set(written) == aliases(PolicyBlock)
    for alias in aliases(PolicyBlock):
        policy = Policy.model_validate(PolicyBlock.model_validate({alias: read_policy(alias, written[alias])}).policy())
        assert policy == Policy(), alias


def read_policy(alias: str, text: str) -> str | int | None:
    if text == "none":
        return None
    return int(text) if alias == "attempts" else text


def test_worked_example_is_a_catalog_without_a_fault(tmp_path: Path) -> None:
    [example] = code("docs/catalogs.md", "yaml", "## A worked example")
    (tmp_path / "wifi").mkdir()
    (tmp_path / "wifi" / "catalog.yaml").write_text(example)
    assert inspect_catalogs(tmp_path) == ([], [])


def test_every_address_that_a_system_is_called_at_is_explained() -> None:
    constants = [
        *(value for name, value in vars(addresses).items() if name.isupper()),
        *(f"{TMF640}/service", f"{TMF702}/resource"),
    ]
    text = read("docs/connecting.md")
    assert [path for path in constants if path not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings_that_are_there(document: str) -> None:
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        assert file.exists(), f"{document} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


def test_no_file_names_a_host_of_packages_or_images() -> None:
    hosts = "|".join(re.escape(".".join(host)) for host in HOSTS)
    pattern = re.compile(rf"(?<![\w-])(?:[\w-]+\.)*(?:{hosts})\b")
    found: list[str] = []
    for path in files():
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue
        found += [f"{path}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []
