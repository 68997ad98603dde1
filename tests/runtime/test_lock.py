"""Claims locked before a run: what is told when they changed, and when they were locked too late."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from hmmdsl.exchange.reading import read
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.lock import Lock, compare_lock, lock_place, read_lock, write_lock
from tests.command_line import Command

SPEC = """
import std.processes (golden_mean)
param bound = 1/50
model net: transformer { layers = 1, d_model = 8, d_head = 4, context = 3 }
train fit { process = golden_mean(), model = net, steps = 2 }
expect "near \\"optimal\\"": fit.gap < bound + 100
expect fit.loss > 0
"""

EARLY = datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "golden.hmm"
    path.write_text(SPEC, encoding="utf-8")
    return path


def test_a_lock_holds_each_claim_and_the_params_it_uses(spec: Path) -> None:
    write_lock(spec, read(spec), now=EARLY)
    first, second, *lines, last = lock_place(spec).read_text(encoding="utf-8").splitlines()
    assert (first, second) == ("hmmdsl lock 1", "locked 2026-01-31T12:30:05Z")
    assert lines == [
        "param bound = 1/50",
        'expect "near \\"optimal\\"": fit.gap < bound + 100',
        "expect: fit.loss > 0",
    ]
    assert last.startswith("sha256 ")


def test_layout_and_comments_are_no_change(spec: Path) -> None:
    write_lock(spec, read(spec), now=EARLY)
    spec.write_text(SPEC.replace("fit.gap < bound + 100", "fit.gap  <  bound+100  # generous"), encoding="utf-8")
    compared = compare_lock(spec, read(spec))
    assert compared is not None
    assert compared.same
    assert compared.line() == "claims as locked on 2026-01-31 12:30:05 UTC, before this run"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("bound = 1/50", "bound = 1/49"),
        ("bound + 100", "bound + 101"),
        ('near \\"optimal\\"', "close"),
        ("expect fit.loss > 0", "expect fit.loss > 0\nexpect fit.loss > 0"),
        ("expect fit.loss > 0", ""),
    ],
)
def test_what_a_claim_says_is_a_change(spec: Path, was: str, now: str) -> None:
    write_lock(spec, read(spec), now=EARLY)
    assert was in SPEC
    spec.write_text(SPEC.replace(was, now), encoding="utf-8")
    compared = compare_lock(spec, read(spec))
    assert compared is not None
    assert not compared.same
    assert len(compared.told()) == len(compared.lost) + len(compared.new) > 0


def test_a_claim_locked_after_its_numbers_were_computed_says_so(spec: Path) -> None:
    write_lock(spec, read(spec), now=EARLY)
    compared = compare_lock(spec, read(spec))
    assert compared is not None
    assert compared.of_run(EARLY.timestamp() + 1).after is None
    late = compared.of_run(EARLY.timestamp() - 60)
    assert late.line().endswith("after the first number of this run was computed (2026-01-31 12:29:05)")
    assert late.as_json()["before_run"] is False


def test_a_lock_is_replaced_on_demand_alone_and_keeps_its_date(spec: Path) -> None:
    before = write_lock(spec, read(spec), now=EARLY)
    spec.write_text(SPEC.replace("+ 100", "+ 200"), encoding="utf-8")
    with pytest.raises(OutputError, match=r"other claims on 2026-01-31.*--renew"):
        write_lock(spec, read(spec))
    assert read_lock(lock_place(spec)) == before
    renewed = write_lock(spec, read(spec), renew=True)
    assert read_lock(lock_place(spec)) == renewed
    assert renewed.earlier == ((EARLY, before.digest),)


def test_the_same_claims_keep_the_first_date(spec: Path) -> None:
    write_lock(spec, read(spec), now=EARLY)
    assert write_lock(spec, read(spec)).locked == EARLY


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1],
        lambda text: text.replace("1/50", "1/51"),
        lambda text: text.replace("2026", "2025"),
        lambda text: "",
        lambda text: text + "\n",
        lambda text: "\ud800",
    ],
)
def test_a_torn_or_changed_lock_is_refused(spec: Path, damage: object) -> None:
    write_lock(spec, read(spec), now=EARLY)
    place = lock_place(spec)
    text = damage(place.read_text(encoding="utf-8"))  # type: ignore[operator]
    place.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(OutputError, match=r"golden\.hmm\.lock .*(restore|delete) it"):
        compare_lock(spec, read(spec))


def test_a_lock_of_another_version_is_told(spec: Path) -> None:
    text = Lock(EARLY, ("expect: fit.loss > 0",)).text().replace("hmmdsl lock 1", "hmmdsl lock 9")
    body = text[: text.rindex("sha256")]
    lock_place(spec).write_text(f"{body}sha256 {sha256(body.encode()).hexdigest()}\n", encoding="utf-8")
    with pytest.raises(OutputError, match="no lock of this version"):
        compare_lock(spec, read(spec))


def test_a_spec_without_claims_has_nothing_to_lock(tmp_path: Path) -> None:
    path = tmp_path / "bare.hmm"
    path.write_text("import std.processes (golden_mean)\n", encoding="utf-8")
    with pytest.raises(OutputError, match="claims nothing"):
        write_lock(path, read(path))


def test_run_and_report_say_how_the_claims_stand(command: Command, spec: Path) -> None:
    assert command("lock", spec).returncode == 0
    assert "claims as locked on" in command("check", spec).stdout
    finished = command("run", spec)
    assert finished.returncode == 0
    assert "before this run" in finished.stdout
    spec.write_text(SPEC.replace("+ 100", "+ 200"), encoding="utf-8")
    assert command("lock", spec, "--check").returncode == 1
    changed = json.loads(command("run", spec, "--json").stdout)
    assert changed["lock"]["lost"] == ['expect "near \\"optimal\\"": fit.gap < bound + 100']
    folder = spec.parent / changed["folder"]
    assert json.loads((folder / "lock.json").read_text(encoding="utf-8")) == changed["lock"]
    assert "Claims are not those locked on" in (folder / "report.html").read_text(encoding="utf-8")
    assert "as locked on" in command("check", folder / "spec.hmm").stdout
