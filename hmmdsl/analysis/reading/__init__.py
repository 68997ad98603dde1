"""What analyses read of a network and its histories: points, targets, controls, words."""
