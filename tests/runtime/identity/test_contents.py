"""What a record refers to, and its content without names."""

from __future__ import annotations

from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.runtime.identity.contents import nameless, references


def known(sort: str, name: str) -> str | None:
    return {("process", "mess3(x=0.4)"): "P", ("train", "fit"): "T", ("analysis", "beliefs"): "A"}.get((sort, name))


def test_a_process_whose_name_has_a_point_is_referred_to_by_its_whole_name() -> None:
    """`on = mess3(0.4, 0.85)` names the process after its arguments."""
    record = Loss(of="fit", on="mess3(x=0.4)")
    assert set(references(record)) == {("train", "fit"), ("process", "mess3(x=0.4)")}
    assert nameless(record, known) == {**record.model_dump(mode="json"), "of": "T", "on": "P"}


def test_what_stands_behind_the_name_of_an_analysis_stays() -> None:
    record = Distances(of="beliefs.block[3]")
    assert set(references(record)) == {("analysis", "beliefs")}
    assert nameless(record, known)["of"] == "A.block[3]"
