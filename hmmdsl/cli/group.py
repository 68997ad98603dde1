"""How commands end: what they raise becomes words on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NoReturn

import typer
import typer.main
from typer.core import TyperGroup

from hmmdsl.files.door import say
from hmmdsl.files.streams import let_go_of_stdout
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.messages.render import render
from hmmdsl.runtime.defect import defect_text, how_to_report
from hmmdsl.runtime.failures import ExitCode, Interrupted, OutputError, RunError, Terminated, failure_of

if TYPE_CHECKING:
    from types import FrameType

    from hmmdsl.language.diagnostics import Diagnostic


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


COMMANDS = (
    *("new", "check", "lock", "fmt", "show", "sample", "export", "import", "run", "verify", "explain", "help", "compare"),
    *("pack", "unpack", "store"),
)
"""The commands there are: each is a file here."""


class Commands(TyperGroup):
    """Turns what a command raises into words on stderr and an exit code; never a traceback, unless HMMDSL_DEBUG is set."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        names: Any = dict.fromkeys(COMMANDS)
        self.commands = names  # a word that is none of them is told the nearest

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order in which they are told."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command of a name; None if there is none. Only the file of the one that is asked for is imported."""
        if name not in COMMANDS:
            return None
        found = typer.main.get_command(import_module(f"hmmdsl.cli.{name}{'_' * iskeyword(name)}").command)
        found.name = name
        return found

    def invoke(self, ctx: Any) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except SpecError as error:
            report(error.diagnostics)
            raise typer.Exit(ExitCode.SPEC_WRONG) from None
        except OutputError as error:
            _say_error(str(error))
            raise typer.Exit(ExitCode.SPEC_WRONG) from None
        except RunError as error:
            _say_error(error.message, error.help, f"what there is of the run is kept in {error.kept}" if error.kept else "")
            raise typer.Exit(ExitCode.RUN_FAILED) from None
        except Interrupted as stop:
            _say_error(str(stop), " ".join(getattr(stop, "__notes__", ())))
            raise typer.Exit(128 + stop.number) from None
        except KeyboardInterrupt as stop:
            _say_error("interrupted; " + _left_behind(stop))
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Terminated as stop:
            _say_error("terminated; " + _left_behind(stop))
            raise typer.Exit(ExitCode.TERMINATED) from None
        except (typer.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
                raise  # files say which they are: it is stdout that can't be written, as `end_of` says
            if os.environ.get("HMMDSL_DEBUG") or type(error).__module__.startswith(("click", "typer")):
                raise
            limit = failure_of(error, f"`hmmdsl {ctx.invoked_subcommand or ''}`")
            if limit is not None and (isinstance(error, MemoryError) or getattr(error, "errno", None) in _UNWRITABLE):
                _say_error(limit.message, limit.help)
                raise typer.Exit(ExitCode.RUN_FAILED) from None
            _say_error(defect_text(error), how_to_report(error))
            raise typer.Exit(ExitCode.DEFECT) from None


def end_of(run: Callable[[], object]) -> NoReturn:
    """Run to the end of the process, also where what it prints can't be written. A reader that went away is no mistake."""
    code: str | int | None = ExitCode.GOOD
    try:
        run()
    except SystemExit as done:
        code = done.code
    except OSError as error:
        code = _unwritten(error)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = code if error.errno == errno.EPIPE else _unwritten(error)
        let_go_of_stdout()
    sys.exit(code)


def _unwritten(error: OSError) -> ExitCode:
    with suppress(OSError):  # if it is stderr, nobody can be told
        _say_error(f"the output can't be written ({(error.strerror or str(error)).lower()}): send it somewhere else")
    return ExitCode.SPEC_WRONG


def report(diagnostics: list[Diagnostic]) -> None:
    """Print messages to stderr, in colour on a terminal (unless NO_COLOR is set)."""
    color = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for diagnostic in diagnostics:
        print(render(diagnostic, color=color), end="\n\n", file=sys.stderr)


def _say_error(message: str, *hints: str) -> None:
    lines = [
        line for text in (f"error: {message}", *(f"   = help: {hint}" for hint in hints if hint)) for line in text.split("\n")
    ]
    say("\n".join(lines), file=sys.stderr)


def _left_behind(stop: BaseException) -> str:
    return " ".join(getattr(stop, "__notes__", ())) or "nothing was left behind"


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
