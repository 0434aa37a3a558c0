"""The command: what it says and which code it ends with when something is not as it must be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

import cli
from console.exits import EXIT_CODES, INTERRUPTED, NOT_COMPLETED, REFUSED, UNREACHABLE, WRONG_USAGE
from console.options import values_of
from embedded.ports import LOOPBACK, Ports
from settings import Settings, faults_of

runner = CliRunner()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An address at which nothing listens, set as the gateway's."""
    monkeypatch.chdir(tmp_path)
    address = f"http://{LOOPBACK}:{Ports.free().port}"
    monkeypatch.setenv("ORDERSAGA_PUBLIC_URL", address)
    return address


def test_help_tells_the_commands_and_the_exit_codes() -> None:
    shown = runner.invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    for word in ("up", "demo", "submit", "watch", "plan", "Exit codes", "4 the gateway"):
        assert word in shown.output


def test_the_exit_codes_are_those_of_the_page() -> None:
    page = (Path(cli.__file__).parent / "docs" / "operations.md").read_text()
    table = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", page.partition("### Exit codes")[2].partition("\n## ")[0], re.M))
    said = " ".join(EXIT_CODES.split()).removeprefix("Exit codes: ").removesuffix(".")
    assert table == dict(each.split(" ", 1) for each in said.split(" · "))
    assert set(map(int, table)) == {0, REFUSED, WRONG_USAGE, NOT_COMPLETED, UNREACHABLE, INTERRUPTED}


@pytest.mark.parametrize(
    "words",
    [
        ["order", "list"],
        ["order", "show", "abc"],
        ["watch", "abc"],
        ["qualify", "fibre-internet", "--place", "HAM-1", "--value", "downloadSpeed=1000"],
        ["qualify", "--customer", "C-1001", "--part", "home-tv"],
        ["order", "cancel", "abc", "--reason", "moves", "--by", "ada"],
        ["order", "cancel", "abc", "--dry-run"],
        ["order", "hold", "abc:1:internet", "--item", "access"],
        ["order", "resume", "abc"],
        ["order", "history", "abc"],
        ["catalog", "list", "category"],
        ["catalog", "show", "line", "--version", "1/2", "--kind", "price"],
        ["hub", "list"],
        ["hub", "show", "abc"],
        ["hub", "add", "https://crm.example.com/hook", "--api", "productOrdering/v5", "--query", "fields=state"],
        ["hub", "pause", "abc"],
        ["hub", "resume", "abc"],
        ["hub", "replay", "abc", "--from", "2026-11-25T00:00:00Z"],
        ["hub", "remove", "abc"],
        ["task", "list", "--kind", "fallout", "--system", 'a "quoted" one'],
        ["task", "show", "abc!1"],
        ["task", "resolve", "retry", "abc!1", "--value", "port=7"],
        ["task", "resolve", "retry", "--system", "activation"],
        ["task", "complete", "abc!1", "--value", "serial=SN=1"],
        ["task", "reschedule", "abc!1", "2026-12-01T09:00:00Z"],
    ],
)
def test_without_a_gateway_commands_say_so_and_end_with_4(nobody: str, words: list[str]) -> None:
    ended = runner.invoke(cli.app, words)
    assert ended.exit_code == 4
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"ordersaga: nothing answers at {nobody}; start the stack with `ordersaga up`")


def test_the_address_of_a_gateway_needs_no_scheme(nobody: str) -> None:
    ended = runner.invoke(cli.app, ["order", "list", "--gateway", nobody.removeprefix("http://")])
    assert ended.exit_code == 4
    assert ended.stderr.startswith(f"ordersaga: nothing answers at {nobody};")


def test_what_is_no_address_of_a_gateway_is_named() -> None:
    ended = runner.invoke(cli.app, ["order", "list", "--gateway", "ftp://x"], env={"COLUMNS": "200"})
    assert 'for --gateway: "ftp://x" is no address of a gateway, such as http://127.0.0.1:8620' in ended.stderr


def test_what_is_no_date_is_named_before_anything_is_asked(nobody: str) -> None:
    ended = runner.invoke(cli.app, ["order", "cancel", "abc", "--at", "tomorrow"], env={"COLUMNS": "200"})
    assert ended.exit_code == 2
    assert "for --at: " in ended.stderr
    assert "RFC 3339" in ended.stderr


@pytest.mark.parametrize("order_id", ["", "a b", "a/b"])
def test_what_is_no_id_is_not_asked_for(nobody: str, order_id: str) -> None:
    ended = runner.invoke(cli.app, ["order", "show", order_id])
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f'ordersaga: "{order_id}" is no id of an order; `ordersaga order list`')


def test_an_order_from_standard_input_goes_to_the_gateway(nobody: str) -> None:
    ended = runner.invoke(cli.app, ["submit", "-"], input="{}")
    assert ended.exit_code == 4
    assert nobody in ended.stderr


def test_a_file_that_is_not_json_is_refused_with_its_name_and_place(tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text('{"productOrderItem": [}')
    ended = runner.invoke(cli.app, ["submit", str(file)])
    assert ended.exit_code == 1
    assert ended.stderr == f"ordersaga: {file} is not JSON: Expecting value: line 1 column 23 (char 22)\n"


def test_a_byte_order_mark_is_passed_over(nobody: str) -> None:
    assert runner.invoke(cli.app, ["submit", "-"], input="\ufeff{}").exit_code == 4


def test_what_only_looks_like_json_is_refused(nobody: str) -> None:
    ended = runner.invoke(cli.app, ["submit", "-"], input='{"quantity": NaN}')
    assert (ended.exit_code, ended.stderr) == (1, "ordersaga: <stdin> is not JSON: NaN is no JSON\n")


def test_a_state_directory_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ORDERSAGA_STATE_DIR", str(tmp_path / "file" / "state"))
    for words in (["up"], ["system", "billing"]):
        ended = runner.invoke(cli.app, words)
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"ordersaga: the state directory {tmp_path / 'file' / 'state'} cannot be made: ")


def test_a_store_that_cannot_be_reached_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{LOOPBACK}:{Ports.free().port}"
    monkeypatch.setenv("ORDERSAGA_STORE_URL", f"postgresql://saga:secret@{address}/orders")
    ended = runner.invoke(cli.app, ["migrate"])
    assert ended.exit_code == 4
    assert f'(ORDERSAGA_STORE_URL is "postgresql://saga:***@{address}/orders")' in ended.stderr


def test_a_change_is_read_from_standard_input_as_a_patch_of_either_kind(nobody: str) -> None:
    for change in ('{"priority": "1"}', '[{"op": "remove", "path": "/note"}]'):
        ended = runner.invoke(cli.app, ["order", "amend", "abc", "-"], input=change)
        assert ended.exit_code == 4
        assert nobody in ended.stderr


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("a=7", 7),
        ("a=SN-1", "SN-1"),
        ('a="7"', "7"),
        ("a=x=y", "x=y"),
        ("a=", ""),
        ("a=0123", "0123"),
        ("a=NaN", "NaN"),
    ],
)
def test_values_are_json_where_they_can_be(pair: str, value: object) -> None:
    assert values_of([pair]) == {"a": value}


def test_json_that_is_no_object_is_no_order(tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text("[]")
    ended = runner.invoke(cli.app, ["plan", str(file)])
    assert ended.exit_code == 1
    assert "is not an order" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["submit", "no-such-file.json"],
        ["order", "list", "--limit", "0"],
        ["system", "espresso"],
        ["up", "--without", "espresso"],
        ["order", "steal"],
        ["catalog", "list", "espresso"],
        ["catalog", "show", "line", "--kind", "espresso"],
        ["order", "amend", "abc", "no-such-file.json"],
        ["hub", "add", "https://crm.example.com/hook", "--api", "productOrdering"],
        ["hub", "replay", "abc"],
        ["task", "resolve", "retry"],
        ["task", "resolve", "retry", "abc!1", "--system", "activation"],
        ["task", "resolve", "explode", "abc!1"],
        ["task", "complete", "abc!1", "--value", "novalue"],
        ["task", "list", "--state", "lost"],
        ["task", "list", "--kind", "lost"],
        ["task", "reschedule", "abc!1", "tomorrow"],
        ["task", "reschedule", "abc!1", "20261201"],
        ["order", "list", "--state", "bogus"],
        ["order", "list", "--kind", "bogus"],
        ["order", "cancel", "abc", "--at", "2026-12-01"],
        ["hub", "replay", "abc", "--from", "yesterday"],
        ["order", "list", "--gateway", "ftp://127.0.0.1"],
        ["order", "list", "--gateway", "http://"],
        ["order", "list", "--gateway", ""],
        ["order", "list", "--gateway", "127.0.0.1:99999"],
        ["watch", "abc", "--gateway", "http://a b"],
        ["system", "billing", "--port", "70000"],
        ["up", "--port", "70000"],
    ],
)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    assert runner.invoke(cli.app, words).exit_code == 2


def test_the_shipped_catalogs_have_no_faults() -> None:
    ended = runner.invoke(cli.app, ["catalog", "lint"])
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("no faults in 3 catalogs, 8 categories, 15 offerings")


def test_faults_of_a_catalog_are_listed_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "catalog.yaml").write_text("catalog:\n  id: shop\n  name: Shop\nproductOfferin: []\n")
    ended = runner.invoke(cli.app, ["catalog", "lint", str(tmp_path)])
    assert ended.exit_code == 1
    assert "shop/catalog.yaml:4" in ended.stdout
    assert "1 fault in" in ended.stdout


@pytest.fixture
def odd(tmp_path: Path) -> str:
    """Return a folder of catalogs without a fault, with one warning."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "catalog.yaml").write_text(
        "catalog: {id: shop, name: Shop}\nresourceSpecification:\n  - {id: port, name: Port}\n"
    )
    return str(tmp_path)


WARNING = "resourceSpecification 'port' is used by nothing"


def test_warnings_of_a_catalog_are_listed_and_keep_nobody_from_using_it(odd: str) -> None:
    ended = runner.invoke(cli.app, ["catalog", "lint", odd])
    assert ended.exit_code == 0
    first, last = ended.stdout.splitlines()
    assert first == f"warning: shop/catalog.yaml:3: resourceSpecification[0].id: {WARNING}"
    assert last.startswith("no faults and 1 warning in 1 catalog, ")


def test_who_is_strict_takes_no_catalog_with_warnings(odd: str) -> None:
    assert runner.invoke(cli.app, ["catalog", "lint", odd, "--strict"]).exit_code == 1
    (Path(odd) / "shop" / "catalog.yaml").write_text("catalog: {id: shop, name: Shop}\n")
    assert runner.invoke(cli.app, ["catalog", "lint", odd, "--strict"]).exit_code == 0


def test_what_is_found_in_catalogs_is_told_as_json_too(odd: str) -> None:
    ended = runner.invoke(cli.app, ["catalog", "lint", odd, "--json"])
    place = {"file": "shop/catalog.yaml", "line": 3, "path": "resourceSpecification[0].id"}
    assert json.loads(ended.stdout) == {"faults": [], "warnings": [{**place, "message": WARNING}]}
    (Path(odd) / "shop" / "more.yaml").write_text("productOfferin: []\n")
    ended = runner.invoke(cli.app, ["catalog", "lint", odd, "--json"])
    assert ended.exit_code == 1
    [fault] = json.loads(ended.stdout)["faults"]
    assert (fault["file"], fault["line"], fault["path"]) == ("shop/more.yaml", 1, "productOfferin")


def test_a_plan_from_the_catalogs_alone_needs_no_gateway(nobody: str, tmp_path: Path) -> None:
    item = {"id": "1", "action": "add", "productOffering": {"id": "mobile-plan"}}
    order = {"relatedParty": [{"id": "c-1", "role": "customer"}], "productOrderItem": [item]}
    file = tmp_path / "order.json"
    file.write_text(json.dumps(order))
    ended = runner.invoke(cli.app, ["plan", "--offline", str(file)])
    assert ended.exit_code == 0, ended.output
    assert "service order add 1:mobile" in ended.stdout
    assert "add imsi" in ended.stdout


def test_an_order_that_breaks_rules_has_no_plan(tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    item = {"id": "1", "action": "add", "productOffering": {"id": "moon-cable"}}
    file.write_text(json.dumps({"productOrderItem": [item]}))
    ended = runner.invoke(cli.app, ["plan", "--offline", str(file)])
    assert ended.exit_code == 1
    assert "productOrderItem[0].productOffering" in ended.stdout
    assert "moon-cable" in ended.stdout


def test_register_without_a_temporal_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{LOOPBACK}:{Ports.free().temporal_port}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    ended = runner.invoke(cli.app, ["register"])
    assert ended.exit_code == 4
    assert ended.stderr == f"ordersaga: Temporal at {address} cannot be reached: Connection refused\n"


def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_PORT", "espresso")
    ended = subprocess.run([sys.executable, "-m", "cli", "order", "list"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == 'ordersaga: the setting ORDERSAGA_PORT is "espresso": it must be a whole number\n'


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("inventory_url", "localhost:9101", '"localhost:9101": it must be an address such as https://example.com'),
        ("public_url", "ftp://x", '"ftp://x": it must be an address such as https://example.com'),
        ("store_url", "foo", '"foo": it must be sqlite:///path or postgresql://user:password@host/database'),
        ("store_url", "mysql://a:b@c/d", '"mysql://a:***@c/d": it must be sqlite:///path or postgresql://user:'),
        ("store_url", "postgresql://a:b@c@d:x/e", '"postgresql://a:***@d:x/e": it must be sqlite:///path or post'),
        ("http_timeout", "soon", '"soon": it must be a duration such as PT1H30M, or a number of seconds'),
        ("body_limit", "0", '"0": it must be more than 0'),
        ("metrics_address", "here", '"here": it must be an IP address and a port, as in 127.0.0.1:9090'),
        ("metrics_address", "127.0.0.1:x", '"127.0.0.1:x": it must be an IP address and a port, as in 127.0.0.1:90'),
        ("log_level", "loud", '"loud": it must be "DEBUG", "INFO", "WARNING" or "ERROR"'),
        ("event_forbidden_networks", "10.0.0.0/8,x", '"10.0.0.0/8,x": it must be networks such as 10.'),
        (
            "local_calls",
            "billing, crm",
            '"billing, crm": it must be some of inventory, activation, billing, and "crm" is',
        ),
        (
            "calls_per_second",
            "crm=5",
            '"crm=5": it must be systems with numbers above 0, such as billing=5, and "crm=5"',
        ),
        ("calls_per_second", "billing=0", '"billing=0": it must be systems with numbers above 0, such as billing=5'),
        ("calls_at_once", "billing=1.5", '"billing=1.5": it must be systems with whole numbers above 0, such as'),
        ("local_calls_at_once", "0", '"0": it must be more than 0'),
        ("admin_token", "geheim", "a secret: it must have 16 characters at least, and has 6"),
        ("callback_secret", "geheim", "a secret: it must be whsec_ followed by"),
    ],
)
def test_a_setting_is_named_with_its_value_and_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"ORDERSAGA_{name.upper()}", value)
    with pytest.raises(ValidationError) as wrong:
        Settings()
    (fault,) = faults_of(wrong.value)
    assert fault.startswith(f"the setting ORDERSAGA_{name.upper()} is {said}")
    assert "geheim" not in fault


@pytest.mark.parametrize("password", ["p/w", "p#w", "p?w[", "p:w", "p%40w"])
def test_the_password_of_a_database_may_hold_what_parts_addresses(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    address = f"postgresql://saga:{password}@db.example:5432/orders"
    monkeypatch.setenv("ORDERSAGA_STORE_URL", address)
    assert Settings().store_url == address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"host": "192.0.2.7"}, "http://192.0.2.7:8620"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8620"),
        ({"host": "::"}, "http://127.0.0.1:8620"),
        ({"host": "::1", "port": 99}, "http://[::1]:99"),
        ({"host": "0.0.0.0", "public_url": "https://orders.example/x/"}, "https://orders.example/x"),
    ],
)
def test_links_lead_to_an_address_that_can_be_reached(given: dict[str, Any], url: str) -> None:
    assert Settings(**given).gateway_url() == url


@pytest.mark.parametrize("words", [["list"], ["promote"], ["drain", "--no-wait"]])
def test_builds_of_workers_are_asked_for_where_there_is_a_deployment(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = runner.invoke(cli.app, ["worker", *words])
    assert (refused.exit_code, "ORDERSAGA_DEPLOYMENT" in refused.output) == (REFUSED, True), refused.output
    monkeypatch.setenv("ORDERSAGA_DEPLOYMENT", "ordersaga")
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"{LOOPBACK}:{Ports.free().port}")
    unreachable = runner.invoke(cli.app, ["worker", *words])
    assert (unreachable.exit_code, "Temporal cannot be reached" in unreachable.output) == (UNREACHABLE, True)


def test_the_worker_names_a_setting_that_makes_no_sense() -> None:
    environment = {**os.environ, "ORDERSAGA_STORE_URL": "foo"}
    command = [sys.executable, "-m", "worker"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 1
    assert 'cannot start: the setting ORDERSAGA_STORE_URL is "foo": it must be sqlite:///path or' in ended.stderr


def test_the_installed_command_ends_with_the_code_of_what_it_ran() -> None:
    ended = subprocess.run([sys.executable, "-m", "cli", "watch"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Missing argument" in ended.stderr
