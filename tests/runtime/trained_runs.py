"""A spec with one small network of every kind and every analysis that each can have."""

from __future__ import annotations

PROCESS = "import std.processes (golden_mean)\n"

RECORDS = {
    "transformer": "transformer { layers = 2, d_model = 8, d_mlp = 8, context = 4 }",
    "rnn": "rnn { layers = 2, d_model = 6, context = 4 }",
    "gru": "gru { d_model = 6, norm = layer_norm, context = 4 }",
    "lstm": "lstm { layers = 2, d_model = 6, context = 4, bos = true }",
    "ssm": "ssm { layers = 2, d_model = 6, d_state = 3, context = 4 }",
    "mlp": "mlp { layers = 2, d_model = 6, window = 2, context = 4 }",
    "ngram": "ngram { n = 3, context = 4 }",
}


def spec_of(kind: str, steps: int = 4, data: str = "exact") -> str:
    """A training run `fit` of that kind with a `loss`, and on exact data, but for the n-gram, `regression`, `distances` and
    `emergence`."""
    text = PROCESS + f"model net: {RECORDS[kind]}\n"
    text += f"train fit {{ process = golden_mean(), model = net, steps = {steps}, data = {data} }}\n"
    text += "analysis positions: loss { of = fit }\n"
    if kind == "ngram" or data != "exact":
        return text
    cells = ", cells" if kind in ("lstm", "ssm") else ""
    text += (
        f"analysis beliefs: regression {{ of = fit, at = [blocks, concat{cells}], "
        "controls = [held_out { folds = 3 }, untrained, noise, shuffled { repeats = 2 }] }\n"
    )
    text += "analysis geometry: distances { of = beliefs.concat }\n"
    text += "analysis emerging: emergence { of = beliefs }\n"
    layers = 1 if kind == "gru" else 2
    return text + f"expect max(beliefs.block[..].r2) <= 1 and beliefs.block[{layers - 1}].r2 <= 1\n"
