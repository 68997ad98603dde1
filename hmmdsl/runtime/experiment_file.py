"""An experiment as YAML: `hmmdsl.language.experiment_file`."""

from __future__ import annotations

from hmmdsl.language.experiment_file import write_experiment

__all__ = ["write_experiment"]
