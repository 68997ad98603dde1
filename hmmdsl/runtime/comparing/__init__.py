"""`hmmdsl compare`: runs and points of sweeps side by side."""
