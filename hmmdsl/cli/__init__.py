"""The commands of `hmmdsl`, one file each, and their words."""

from hmmdsl.cli.app import main as main
