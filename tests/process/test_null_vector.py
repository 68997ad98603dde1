from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.process.null_vector import positive_null_vector


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=8))
def test_the_null_vector_of_a_balanced_cycle_is_found(weights: list[int]) -> None:
    """Flow round a cycle: what each place passes on, the next receives."""
    n = len(weights)
    equations = [{(j - 1) % n: weights[(j - 1) % n], j: -weights[j]} for j in range(n)]
    found = positive_null_vector(equations)
    assert found is not None
    assert len({weight * y for weight, y in zip(weights, found, strict=True)}) == 1
    assert gcd(*found) == 1


def test_a_solution_beyond_the_budget_of_digits_is_not_looked_for() -> None:
    huge = 3**6000
    assert positive_null_vector([{0: -1, 1: huge}, {0: 1, 1: -huge}]) is None
