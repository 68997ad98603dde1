"""The golden-mean process as a spec declares it: the smallest that has anything to find."""

GOLDEN = """\
hmm golden(p = 1/2) {
  states A, B
  tokens 0, 1
  A -[1]-> B : p
  A -[0]-> A : rest
  B -[0]-> A
}
"""
