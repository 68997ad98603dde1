"""A trained transformer as TransformerLens' HookedTransformer: its configuration and its weights under its names.

TransformerLens names a matrix by what it does and keeps heads apart: W_Q, W_K and W_V are (head, d_model, d_head), W_O is (head,
d_head, d_model), W_E (token, d_model), W_pos (position, d_model) and W_U (d_model, token).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hmmdsl.models.norms import NORM_EPSILON
from hmmdsl.models.positions import BASE
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from torch import Tensor

    from hmmdsl.models.network import Network
    from hmmdsl.models.transformer import Attention

NORMS = {"layer_norm": "LN", "rms_norm": "RMS", "none": None}
"""TransformerLens' words for the normalizations."""


def as_transformer(network: Network) -> TransformerNetwork:
    """The network, if TransformerLens can hold it. Raises OutputError."""
    if not isinstance(network, TransformerNetwork):
        raise OutputError(f"TransformerLens holds transformers, and this is {network.spec.summary}: use `--to safetensors`")
    return network


def configuration(network: TransformerNetwork) -> dict[str, Any]:
    """The fields of HookedTransformerConfig, as plain data. With `bos` there is one more token to read, V, and none more to
    predict; words are given with it, as no tokenizer puts it there."""
    spec = network.spec
    rotary = {"rotary_dim": spec.head_width, "rotary_base": int(BASE), "rotary_adjacent_pairs": False}
    return {
        "n_layers": spec.layers,
        "d_model": spec.d_model,
        "n_ctx": network.positions,
        "d_head": spec.head_width,
        "n_heads": spec.heads,
        "d_mlp": None if spec.attention_only else spec.mlp_width,
        "attn_only": spec.attention_only,
        "act_fn": None if spec.attention_only else spec.activation,
        "d_vocab": len(network.token),
        "d_vocab_out": network.outputs,
        "normalization_type": NORMS[spec.norm],
        "eps": NORM_EPSILON,
        "positional_embedding_type": "rotary" if spec.positions == "rotary" else "standard",
        "default_prepend_bos": False,
        **(rotary if spec.positions == "rotary" else {}),
    }


def weights(network: TransformerNetwork) -> dict[str, Tensor]:
    """The weights under the names of HookedTransformer's state dict."""
    spec = network.spec
    found = {"embed.W_E": network.token, "unembed.W_U": network.unembedding.T, "unembed.b_U": network.unembedding_bias}
    if spec.positions == "learned":
        found["pos_embed.W_pos"] = network.position
    elif spec.positions == "sinusoidal":
        found["pos_embed.W_pos"] = network.sinusoids
    elif spec.positions == "none":
        found["pos_embed.W_pos"] = torch.zeros(network.positions, spec.d_model)
    found |= _norm("ln_final", network.norm)
    for i, block in enumerate(network.blocks):
        found |= _norm(f"blocks.{i}.ln1", block.norm_attention)  # type: ignore[arg-type]
        found |= {f"blocks.{i}.attn.{name}": value for name, value in _attention(block.attention).items()}  # type: ignore[arg-type]
        if not spec.attention_only:
            found |= _norm(f"blocks.{i}.ln2", block.norm_mlp)  # type: ignore[arg-type]
            for side, layer in (("in", block.mlp.up), ("out", block.mlp.down)):  # type: ignore[union-attr]
                found |= {f"blocks.{i}.mlp.W_{side}": layer.weight, f"blocks.{i}.mlp.b_{side}": layer.bias}  # type: ignore[dict-item, union-attr]
    return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}


def hooked_transformer(network: Network) -> Any:
    """A HookedTransformer with the same logits, on the CPU, in evaluation mode. Raises OutputError if TransformerLens is not
    installed, or cannot hold such a network."""
    ours = as_transformer(network)
    try:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
    except ImportError as error:
        raise OutputError(
            'HookedTransformer is not there: run `pip install "hmmdsl[transformer_lens]"` (TransformerLens before 4)'
        ) from error
    theirs = HookedTransformer(HookedTransformerConfig(**configuration(ours), device="cpu", init_weights=False))
    # What is missing in ours are constants of theirs: causal masks and rotary angles.
    unknown = theirs.load_state_dict(weights(ours), strict=False)
    absent = set(unknown.missing_keys) & {name for name, _ in theirs.named_parameters()}
    if absent or unknown.unexpected_keys:
        raise OutputError(
            f"this version of TransformerLens names weights otherwise: {', '.join([*absent, *unknown.unexpected_keys])}"
        )
    return theirs.eval()


def _norm(name: str, module: torch.nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{'w' if kind == 'weight' else 'b'}": value for kind, value in module.named_parameters()}


def _attention(attention: Attention) -> dict[str, Tensor]:
    heads, width = attention.heads, attention.width
    found: dict[str, Tensor] = {"b_O": attention.out.bias, "W_O": attention.out.weight.view(heads, width, -1)}
    parts = zip("QKV", attention.qkv.weight.chunk(3, dim=1), attention.qkv.bias.chunk(3), strict=True)
    for letter, weight, bias in parts:
        found[f"W_{letter}"] = weight.reshape(-1, heads, width).transpose(0, 1)
        found[f"b_{letter}"] = bias.view(heads, width)
    return found
