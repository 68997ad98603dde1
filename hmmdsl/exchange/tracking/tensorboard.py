"""A run as TensorBoard's event files; TensorFlow is not needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.exchange.tracking.record import claims_as_text
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.run_folder import create_partial, discard, put_in_place

if TYPE_CHECKING:
    from hmmdsl.exchange.tracking.record import Record

_EVENTS = "events.out.tfevents."


def is_events(name: str) -> bool:
    """Whether a file holds TensorBoard's events."""
    return name.startswith(_EVENTS)


def write(record: Record, place: str) -> str:
    """Leave event files in `place/<run>/`, in place of those that an earlier call left. Raises OutputError if other things lie
    there, or the folder can't be written."""
    import numpy as np
    from PIL import Image
    from torch.utils.tensorboard import SummaryWriter

    out = Path(place).expanduser()
    final = out / record.run
    if final.is_dir() and any(not is_events(each.name) for each in final.iterdir()):
        raise OutputError(f"{final} holds other things than TensorBoard's events: give another folder, `--track tensorboard:DIR`")
    partial = create_partial(out, record.run, is_events)
    try:
        with SummaryWriter(str(partial)) as writer:
            rows = "\n".join(f"| {name} | {value} |" for name, value in record.params.items())
            writer.add_text("params", f"| field | value |\n|---|---|\n{rows}")
            writer.add_text("claims", claims_as_text(record.claims))
            for train, curve in record.curves.items():
                for point in curve:
                    writer.add_scalar(f"{train}/loss", point.loss, point.step)
                    writer.add_scalar(f"{train}/lr", point.lr, point.step)
            for path, value in record.results.items():
                writer.add_scalar(f"results/{path}", value)
            for name, figure in record.figures.items():
                with Image.open(figure) as image:
                    writer.add_image(name, np.asarray(image.convert("RGB")), dataformats="HWC")
        put_in_place(partial, final, is_events, listed=False)
    finally:
        discard(partial)
    return f"tensorboard --logdir {out}"
