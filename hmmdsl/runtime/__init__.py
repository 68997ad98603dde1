"""From a compiled spec to a finished run: the plan and its hashes, the stages, the run folder, progress, verification."""
