"""Generator against discriminator: both losses against brute force over words, the estimate from drawn words, its meaning."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.process.process import Process
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.objectives import Adversarial
from hmmdsl.schema.train import SGD, Adam, Data, ExactData, SampledData, Train
from hmmdsl.training.adversarial import AdversarialGradient
from hmmdsl.training.generated import AllWords, DrawnWords
from hmmdsl.training.loop import Diverged, train_network
from hmmdsl.training.objective import add_gradient

pytestmark = pytest.mark.trains

CONTEXT = 2
KINDS: list[Model] = [
    Transformer(layers=1, d_model=8, context=CONTEXT, initial_sd=0.5),
    RNN(d_model=8, context=CONTEXT, bos=True),
    GRU(d_model=8, context=CONTEXT),
    LSTM(d_model=8, context=CONTEXT),
    SSM(layers=1, d_model=8, d_state=4, context=CONTEXT),
    MLP(d_model=8, context=CONTEXT),
    NGram(n=3, context=CONTEXT, initial_sd=1.0),
]


def probability(process: Process, word: tuple[int, ...]) -> float:
    vector = process.eta
    for x in word:
        vector = vector @ process.T[x]
    return float(vector.sum())


def brute_force(generator: Network, discriminator: Network, process: Process) -> tuple[torch.Tensor, torch.Tensor]:
    """The losses of discriminator and generator, one prefix at a time; the generator's carries its gradient."""
    bos, V = generator.spec.bos, generator.vocabulary
    lengths = range(1 if bos else 2, CONTEXT + 2)
    judge, make = torch.zeros(()), torch.zeros(())
    for length in lengths:
        for word in itertools.product(range(V), repeat=length):
            p = probability(process, word)
            steps = F.log_softmax(generator(torch.tensor([word[:-1]], dtype=torch.int64))[0], dim=1)
            predicted = word if bos else word[1:]
            q = torch.exp(sum(step[x] for step, x in zip(steps, predicted, strict=True)))
            q = q if bos else q * probability(process, word[:1])
            logit = discriminator(torch.tensor([word]))[0, -1, 0].detach()
            judge = judge + (p * F.softplus(-logit) + q.detach() * F.softplus(logit)) / len(lengths)
            make = make - q * logit / len(lengths)
    return judge, make


def networks(model: Model, process: Process) -> tuple[Network, Network]:
    V = len(process.tokens)
    judge = model.model_copy(update={"context": CONTEXT + 1, "bos": False})
    return build_network(model, V, 1), build_network(judge, V, 2, outputs=1)


def gradient(network: Network) -> torch.Tensor:
    found = torch.cat([p.grad.reshape(-1) for p in network.parameters() if p.grad is not None])
    network.zero_grad()
    return found


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.kind)
def test_exact_losses_are_sums_over_all_words(model: Model, rrxor: Process) -> None:
    generator, discriminator = networks(model, rrxor)
    words = AllWords(generator, rrxor)
    judge, make = brute_force(generator, discriminator, rrxor)
    assert words.discriminator_loss(generator, discriminator).item() == pytest.approx(judge.item(), abs=1e-5)
    found, _ = words.generator_loss(generator, discriminator)
    assert found.item() == pytest.approx(make.item(), abs=1e-5)
    add_gradient(found, tuple(generator.parameters()))
    exact = gradient(generator)
    make.backward()
    torch.testing.assert_close(exact, gradient(generator), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bos", [False, True])
def test_drawn_words_estimate_the_exact_gradients(bos: bool, mess3: Process) -> None:
    model = Transformer(layers=1, d_model=8, context=CONTEXT, initial_sd=0.5, bos=bos)
    generator, discriminator = networks(model, mess3)
    exactly = AllWords(generator, mess3)
    add_gradient(exactly.generator_loss(generator, discriminator)[0], tuple(generator.parameters()))
    exact, judged = gradient(generator), exactly.discriminator_loss(generator, discriminator).item()
    errors = []
    for batch in (1_000, 100_000):
        train = Train(process="p", model="m", data=SampledData(batch=batch), seed=3)
        drawn = DrawnWords(generator, mess3, train)
        loss, watched = drawn.generator_loss(generator, discriminator)
        loss.backward()
        errors.append(float((gradient(generator) - exact).norm() / exact.norm()))
    assert errors[1] < 0.05
    assert errors[1] < errors[0] / 3  # a hundred times the words, a tenth of the error
    assert drawn.discriminator_loss(generator, discriminator).item() == pytest.approx(judged, abs=0.01)
    assert watched == pytest.approx(exactly.generator_loss(generator, discriminator)[1], abs=0.01)


@pytest.mark.parametrize("bos", [False, True])
def test_against_the_best_discriminator_the_generators_loss_is_a_divergence(bos: bool, mess3: Process) -> None:
    """D = log p/q, put into a table over whole prefixes: the loss is the mean KL divergence of q from p."""
    generator = build_network(NGram(n=2, context=CONTEXT, bos=bos, initial_sd=1.0), 3, 1)
    table = NGram(n=CONTEXT + 2, context=CONTEXT + 1)
    discriminator = build_network(table, 3, 2, outputs=1)
    words = AllWords(generator, mess3)
    with torch.no_grad():
        q, _ = words.probabilities(generator)
        ratio = torch.log(words.p / q)
        rows = discriminator._rows(words.judged)[words.judged.row]
        discriminator.table[rows[len(rows) - len(ratio) :], 0] = ratio
    found, _ = words.generator_loss(generator, discriminator)
    positions = CONTEXT + bos
    assert found.item() == pytest.approx(float((q * torch.log(q / words.p)).sum()) / positions, abs=1e-6)
    assert found.item() > 0.01
    best = words.discriminator_loss(generator, discriminator).item()
    entropy = -(words.p * torch.log(words.p / (words.p + q)) + q * torch.log(q / (words.p + q))).sum()
    assert best == pytest.approx(float(entropy) / positions, abs=1e-6)  # 2 log 2 less twice the Jensen-Shannon divergence


def test_a_generator_learns_the_process_from_the_discriminator_alone(mess3: Process, tmp_path: Path) -> None:
    train = Train(
        process="p",
        model="m",
        objective=Adversarial(d_steps=3, lr=3e-2),
        optimizer=Adam(lr=1e-2, betas=(0.5, 0.999)),
        steps=150,
        seed=0,
    )
    model = GRU(d_model=8, context=CONTEXT)
    done = train_network("made", train, model, mess3, tmp_path, "cpu")
    first = train_network("begin", train.model_copy(update={"steps": 1}), model, mess3, tmp_path / "begin", "cpu")
    assert done.gap < first.gap / 30
    assert done.curve[0].loss - done.optimum == pytest.approx(first.curve[0].loss - first.optimum)


@pytest.mark.parametrize("broken", ["generator", "discriminator"])
@pytest.mark.parametrize("data", [ExactData(), SampledData(batch=4)])
def test_weights_that_are_no_numbers_make_the_loss_none_and_leave_no_gradient(
    broken: str, data: Data, golden_mean: Process
) -> None:
    generator = build_network(GRU(d_model=4, context=CONTEXT), 2, 0)
    train = Train(process="p", model="m", objective=Adversarial(), data=data)
    gradient = AdversarialGradient(generator, train, Adversarial(), golden_mean, None)
    with torch.no_grad():
        next((generator if broken == "generator" else gradient.discriminator).parameters()).fill_(math.nan)
    assert math.isnan(gradient.add())
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_such_a_run_stops_and_keeps_its_last_good_weights(golden_mean: Process, tmp_path: Path) -> None:
    train = Train(process="p", model="m", objective=Adversarial(), optimizer=SGD(lr=1.0), steps=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AllWords, "discriminator_loss", lambda *_: torch.tensor(math.nan))
        with pytest.raises(Diverged) as caught:
            train_network("made", train, KINDS[2], golden_mean, tmp_path, "cpu")
    assert (caught.value.step, caught.value.checkpoint) == (0, tmp_path / "step_0.safetensors")
