"""`portrait`: what theory says of a process, as numbers that claims may name and sweeps may count."""
