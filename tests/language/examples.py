"""The examples of the language's design, as its users meet them."""

DESIGN = (
    """\
# Random-Random-XOR: every third symbol is the XOR of the two before it.
experiment { title = "Belief geometry spread over layers", cite = "arXiv:2405.15943" }

hmm rrxor(p = 1/2, q = 1/2) {
  states S, S0, S1, T, F
  tokens 0, 1

  S  -[0]-> S0 : p            # from S to S0, emitting 0, with probability p
  S  -[1]-> S1 : 1 - p
  S0 -[0]-> F  : q
  S0 -[1]-> T  : rest         # what is left of the row
  S1 -[0]-> T  : q
  S1 -[1]-> F  : rest
  T  -[1]-> S                 # no probability: certain
  F  -[0]-> S
}

model net: transformer {
  layers = 4, heads = 1, d_head = 8
  d_model = 64, d_mlp = 256
  context = 10, activation = relu
}

train fit {
  process   = rrxor()
  model     = net
  objective = next_token                  # or future { k = 3 }, adversarial { … }
  data      = exact                       # or sampled { batch = 64 }
  optimizer = adamw { lr = 3e-3 }
  schedule  = one_cycle { warmup = 0.05 }
  steps     = 1_200
  seed      = 0
  checkpoints = log_spaced { count = 12 }
}

analysis beliefs: regression {            # the published figures: in sample, every word of length 10
  of = fit
  target = belief
  at = [embedding, blocks, final_norm, concat]
  weights = words
  controls = [untrained, shuffled { repeats = 100 }, noise]
}

analysis geometry: distances { of = beliefs.concat, against = [belief, next_token] }

analysis unseen: regression {             # the stricter question: histories that the fit never saw
  of = fit, target = belief, at = [blocks, concat], weights = uniform
  controls = [held_out { folds = 10 }, untrained, noise]
}

expect "Shai et al. 2024, Fig. 7D": geometry.belief.r2     ~= 0.95 ± 0.05
expect "Shai et al. 2024, Fig. 7D": geometry.next_token.r2 ~= 0.31 ± 0.09
expect "in no single layer": beliefs.concat.r2 > max(beliefs.block[..].r2) + 0.1
expect "it holds for unseen histories": unseen.concat.held_out.r2 > unseen.concat.untrained.held_out.r2 + 0.4
expect fit.gap < 1e-4                              # nats per token above the optimum
""",
    """\
hmm mess3(x = 0.05, alpha = 0.85) {
  states s[0..3]                    # s[0], s[1], s[2]: ranges are half open, 0..=2 is closed
  tokens t[0..3]
  let beta = (1 - alpha) / 2

  for i in 0..3, j in 0..3 if i != j { s[i] -> s[j] : x }
  for i in 0..3 { s[i] -> s[i] : rest }

  emit on arrival                   # on departure (the textbook order) if not said
  for i in 0..3, k in 0..3 { s[i] emits t[k] : if i == k then alpha else beta }
}
""",
    """\
ghmm bloch_walk(alpha = 1, beta = 4.3) {
  tokens a, b, c, d
  let g = 1 / (4 * (alpha^2 + beta^2))
  let m = (alpha^2 - beta^2) * g
  let o = 2 * alpha * beta * g
  operator a = [[1/4, 0,  o], [0, m, 0], [ o, 0, 1/4]]
  operator b = [[1/4, 0, -o], [0, m, 0], [-o, 0, 1/4]]
  operator c = [[1/4,  o, 0], [ o, 1/4, 0], [0, 0, m]]
  operator d = [[1/4, -o, 0], [-o, 1/4, 0], [0, 0, m]]
}
""",
    """\
import std.processes (mess3, rrxor)           # the standard library is itself .hmm files
import "mine.hmm" as mine                     # relative to this file, inside its folder

param eps = 0.02                              # `--set eps=0.1` overrides it, a sweep ranges over it

process tasks      = mixture(A = mess3(0.05, 0.85), B = mess3(0.15, 0.70), weights = [1/2, 1/2])   # not ergodic
process coupled(e) = leak(tasks, e)
process pair       = product(left = mess3(), right = rrxor())      # tokens are tuples
process renamed    = relabel(rrxor(), [0 -> heads, 1 -> tails])    # two to one merges tokens
process small      = minimize(rrxor())                             # its epsilon-machine
""",
    """\
sweep capacity { net.d_model = [2, 4, 8, 64], fit.seed = 0..5 }
expect increasing(mean(capacity.unseen.concat.held_out.r2 over fit.seed) along net.d_model)

profile smoke { fit.steps = 50 }              # hmmdsl run --profile smoke
""",
)
