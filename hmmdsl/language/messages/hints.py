"""The way from a word that is not known to one that is: the nearest name, or the ecosystem's word for the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

OTHER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "n_layers": "layers",
        "num_layers": "layers",
        "n_layer": "layers",
        "num_hidden_layers": "layers",
        "n_heads": "heads",
        "n_head": "heads",
        "num_heads": "heads",
        "num_attention_heads": "heads",
        "n_ctx": "context",
        "block_size": "context",
        "context_length": "context",
        "max_seq_len": "context",
        "act_fn": "activation",
        "hidden_act": "activation",
        "activation_function": "activation",
        "n_embd": "d_model",
        "hidden_size": "d_model",
        "hidden_dim": "d_model",
        "hidden_width": "d_model",
        "d_hidden": "d_model",
        "n_hidden": "d_model",
        "hidden_units": "d_model",
        "embedding_dim": "d_embed",
        "embed_dim": "d_embed",
        "embedding_size": "d_embed",
        "state_size": "d_state",
        "state_dim": "d_state",
        "ssm_state_size": "d_state",
        "nonlinearity": "activation",
        "window_size": "window",
        "lookback": "window",
        "ngram": "n",
        "d_embed": "d_model",
        "normalization_type": "norm",
        "positional_embedding_type": "positions",
        "attn_only": "attention_only",
        "init_range": "initial_sd",
        "initializer_range": "initial_sd",
        "learning_rate": "lr",
        "batch_size": "batch",
        "n_epochs": "steps",
        "epochs": "steps",
        "num_epochs": "steps",
        "max_steps": "steps",
        "n_steps": "steps",
        "lr_scheduler": "schedule",
        "scheduler": "schedule",
        "grad_clip": "clip",
        "max_grad_norm": "clip",
        "num_threads": "threads",
        "fit_intercept": "intercept",
        "sample_weight": "weights",
        "alpha": "ridge",
        "n_splits": "folds",
        "cv": "folds",
        "layer": "at",
        "hook_name": "at",
        "resid_post": "block",
        "hook_resid_post": "block",
        "blocks": "block",
        "ln_final": "final_norm",
        "ln_f": "final_norm",
        "resid_pre": "embedding",
        "hook_embed": "embedding",
        "val_loss": "loss",
        "r2_score": "r2",
        "R2": "r2",
        "n_params": "parameters",
    }
)
"""Words of PyTorch, TransformerLens, scikit-learn and their kin, and ours for the same thing. One counts only where ours fits."""

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "d_vocab": "the vocabulary comes from the process; leave this out",
        "vocab_size": "the vocabulary comes from the process; leave this out",
        "n_vocab": "the vocabulary comes from the process; leave this out",
        "d_vocab_out": "the vocabulary comes from the process; leave this out",
        "dropout": "networks here have no dropout; leave this out",
        "bidirectional": "histories are read forwards, as they come; leave this out",
        "batch_first": "there is no batch to lay out; leave this out",
        "input_size": "the vocabulary comes from the process; leave this out",
        "num_embeddings": "the vocabulary comes from the process; leave this out",
        "seq_len": "`context` is how many tokens a network reads",
        "heads": "only a `transformer` has heads",
        "n_heads": "only a `transformer` has heads",
        "momentum": "only `sgd` has `momentum`",
        "weight_decay": "`adamw` and `sgd` have `weight_decay`",
        "lr": "the rate belongs to the optimizer: `optimizer = adamw { lr = 3e-3 }`",
        "learning_rate": "the rate belongs to the optimizer: `optimizer = adamw { lr = 3e-3 }`",
        "batch": "the batch belongs to the data: `data = sampled { batch = 64 }`",
        "batch_size": "the batch belongs to the data: `data = sampled { batch = 64 }`",
        "warmup": "the warm-up belongs to the schedule: `schedule = one_cycle { warmup = 0.05 }`",
        "betas": "the betas belong to the optimizer: `optimizer = adamw { betas = [0.9, 0.98] }`",
        "folds": "the folds belong to a control: `controls = [held_out { folds = 10 }]`",
        "repeats": "the repeats belong to a control: `controls = [shuffled { repeats = 100 }]`",
    }
)
"""What to say of a word where no field of the record stands for it."""


MAX_CANDIDATES = 200
"""Known names that a wrong one is compared with: a file of 1 MiB can have 50,000 of them, and every wrong word asks."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name at the smallest edit distance (swapped neighbours count once), if that is near enough to be meant."""
    best: tuple[int, str] | None = None
    for candidate in islice(known, MAX_CANDIDATES):
        limit = max(1, (max(len(word), len(candidate)) + 1) // 3)
        if abs(len(word) - len(candidate)) > limit:
            continue
        distance = _distance(word.lower(), candidate.lower())
        if distance <= limit and distance < len(word) and (best is None or distance < best[0]):
            best = (distance, candidate)
    return best[1] if best is not None else None


def meant(word: str, known: Sequence[str]) -> str | None:
    """The known name that `word` stands for: by another library's name for it, else the nearest."""
    other = OTHER_WORDS.get(word)
    return other if other in known else nearest(word, known)


def suggestion(word: str, known: Sequence[str], what: str = "there is") -> str:
    """The cure for an unknown word: 'write `layers`', else all that there is."""
    ours = meant(word, known)
    if ours is not None:
        return f"write `{ours}`" if ours == OTHER_WORDS.get(word) else f"did you mean `{ours}`?"
    if word in ADVICE:
        return ADVICE[word]
    return f"{what} {listing(known)}" if known else ""


def listing(names: Sequence[str], most: int = 12) -> str:
    """'`a`, `b`, `c`', shortened where there are many."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _distance(a: str, b: str) -> int:
    """Optimal string alignment: insertions, deletions, replacements and swaps of neighbours."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], older[j - 2] + 1)
    return row[-1]
