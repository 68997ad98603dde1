"""Whether a training run can start where it says, and has something to learn there: `start_from`, `freeze`, `objective`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.records.fits import PlaceOf
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import STARTS
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.objectives import MOST_FUTURE_WORDS, MOST_GENERATED_WORDS, Adversarial, Future
from hmmdsl.schema.parts import frozen_parts, meant_by, part_name, parts_of
from hmmdsl.schema.train import ExactData, Train

SAMPLED = "data = sampled { batch = 64 }"


def check_start(name: str, around: Surroundings, place_of: PlaceOf, diagnostics: Diagnostics) -> None:
    """Report a circle of starts (E0840), a start from another kind or size of network (E0841), a network with nothing left to
    train (E0842), a part that it lacks (E0843), more words ahead than a network may have logits (E0844), more words than an
    adversarial loss may be summed over (E0845) or fewer than it needs (E0846), and a table of other tokens (E0847)."""
    _check_source(name, around, place_of, diagnostics)
    _check_freeze(name, around, place_of, diagnostics)
    _check_objective(name, around, place_of, diagnostics)


def _check_source(name: str, around: Surroundings, place_of: PlaceOf, diagnostics: Diagnostics) -> None:
    source = around.trains[name].start_from
    if source is None or source not in around.trains:
        return
    place = place_of(("start_from",))
    circle = _circle(name, around)
    if circle is not None:
        told = " → ".join(f"`{each}`" for each in circle)
        diagnostics.add(
            "E0840",
            f"these trains start from one another in a circle: {told}",
            place,
            label="refers back",
            help="let one of them start anew: leave its `start_from` out",
        )
        return
    model, other = around.model_of(name), around.model_of(source)
    difference = _difference(model, other)
    if difference is not None:
        diagnostics.add(
            "E0841",
            f"the weights of `{source}` do not fit: {difference}",
            place,
            label="another network",
            help=f"write `model = {around.trains[source].model}`, or leave `start_from` out",
        )
    elif isinstance(model, NGram) and around.process_of(name).tokens != around.process_of(source).tokens:
        diagnostics.add(
            "E0847",
            f"nothing of `{source}` can be taken over: a table is about its tokens, and `{name}` has others",
            place,
            label="other tokens",
            help="use a network that has a body, such as a transformer, or leave `start_from` out",
        )


def check_chains(
    trains: Mapping[str, Train], place_of: Callable[[str, tuple[str | int, ...]], Span | None], diagnostics: Diagnostics
) -> bool:
    """Report a chain of more starts than are followed (E0405), once, and say whether there is one; a circle is no chain.
    `place_of` finds a train's field."""
    lengths: dict[str, int] = {}
    for name in trains:
        way: dict[str, None] = {}
        each: str | None = name
        while each is not None and each in trains and each not in lengths and each not in way:
            way[each] = None
            each = trains[each].start_from
        length = lengths.get(each, 0) if each is not None and each not in way else 0
        for before in reversed(way):
            length += 1
            lengths[before] = length
            if length > STARTS:
                diagnostics.add(
                    "E0405",
                    f"`{before}` starts from more than {STARTS} trains in a row",
                    place_of(before, ("start_from",)),
                    label="the limit was reached here",
                    help="keep `checkpoints` of one longer train instead, or let one of them start anew",
                )
                return True
    return False


def _circle(name: str, around: Surroundings) -> list[str] | None:
    """The way from a train back to itself."""
    way = {name: None}  # in order, and quick to look in
    last = name
    while (before := around.trains[last].start_from) in around.trains and before is not None:
        if before == name:
            return [*way, name]
        if before in way:  # a circle further on, which its own members report
            return None
        way[before] = None
        last = before
    return None


def _difference(model: Model, other: Model) -> str | None:
    """In what two networks differ, in words, where it matters for their weights."""
    if type(model) is not type(other):
        return f"they are those of {other.summary}, and this is {model.summary}"
    for field in type(model).model_fields:
        if field != "initial_sd" and getattr(model, field) != getattr(other, field):
            return f"`{field}` is {getattr(other, field)} there and {getattr(model, field)} here"
    return None


def _check_freeze(name: str, around: Surroundings, place_of: PlaceOf, diagnostics: Diagnostics) -> None:
    train, model = around.trains[name], around.model_of(name)
    lacking = False
    for at, part in enumerate(train.freeze):
        if not meant_by(part, model):
            lacking = True
            diagnostics.add(
                "E0843",
                f"{model.summary} has no weights of the part `{part_name(part)}`",
                place_of(("freeze", at)),
                label="nothing to freeze",
                help=f"its parts are {', '.join(f'`{each}`' for each in parts_of(model))}",
            )
    if train.freeze and not lacking and frozen_parts(train.freeze, model) == set(parts_of(model)):
        diagnostics.add(
            "E0842",
            f"`{name}` has nothing left to train: every part is frozen",
            place_of(("freeze",)),
            label="all of it",
            help="leave the unembedding out of `freeze`" if len(parts_of(model)) > 1 else "leave `freeze` out",
        )


def _check_objective(name: str, around: Surroundings, place_of: PlaceOf, diagnostics: Diagnostics) -> None:
    train, model, process = around.trains[name], around.model_of(name), around.process_of(name)
    tokens = len(process.tokens)
    match train.objective:
        case Future(k=k) if tokens**k > MOST_FUTURE_WORDS:
            most = next(length for length in range(k, -1, -1) if tokens**length <= MOST_FUTURE_WORDS)
            diagnostics.add(
                "E0844",
                f"there are {tokens}^{k} words of {k} tokens, and a network predicts at most {MOST_FUTURE_WORDS:,} at once",
                place_of(("objective", "k")),
                label="too far ahead",
                help=f"write `future {{ k = {most} }}`" if most else "use `objective = next_token`",
            )
        case Adversarial() if isinstance(train.data, ExactData):
            length = model.context + 1
            if tokens**length > MOST_GENERATED_WORDS:
                diagnostics.add(
                    "E0845",
                    f"an exact adversarial loss sums over {tokens}^{length} words of context + 1 tokens, and "
                    f"{MOST_GENERATED_WORDS:,} are the most",
                    place_of(("data",)),
                    label="too many words",
                    help=f"write `{SAMPLED}`, or choose a shorter `context`",
                )
            if train.data.withhold:
                diagnostics.add(
                    "E0846",
                    "an adversarial train withholds no histories: the discriminator judges all words",
                    place_of(("data", "withhold")),
                    label="not with this objective",
                    help="write `data = exact`",
                )
