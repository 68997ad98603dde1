"""What a report shows of sweeps: a tidy table, figures of metrics against axes, and a section for each."""
