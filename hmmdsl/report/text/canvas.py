"""A sheet of characters that is drawn on dot by dot: braille cells hold two dots by four, which a terminal shows as squares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from jaxtyping import Float64

ACROSS, DOWN = 2, 4
"""Dots in a cell."""

BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""What each dot of a cell adds to the code point of the empty braille cell (Unicode 16, chapter 21)."""

BLANK = 0x2800


@dataclass
class Canvas:
    """`width` by `height` characters. Places on it are in dots, from the left and from the top."""

    width: int
    height: int
    cells: np.ndarray = field(init=False)
    colours: np.ndarray = field(init=False)
    counts: np.ndarray = field(init=False)
    letters: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cells = np.zeros((self.height, self.width), dtype=np.int64)
        self.colours = np.zeros((self.height, self.width, 3))
        self.counts = np.zeros((self.height, self.width))

    def dots(self, places: Float64[np.ndarray, "dot 2"], colours: Float64[np.ndarray, "dot 3"] | None = None) -> None:
        """Dots at these places; a cell takes the mean colour of its dots, RGB in [0, 1]. Places off the sheet are left out."""
        x, y = np.rint(places[:, 0]).astype(int), np.rint(places[:, 1]).astype(int)
        inside = (x >= 0) & (x < self.width * ACROSS) & (y >= 0) & (y < self.height * DOWN)
        x, y = x[inside], y[inside]
        np.bitwise_or.at(self.cells, (y // DOWN, x // ACROSS), BITS[y % DOWN, x % ACROSS])
        if colours is not None:
            np.add.at(self.colours, (y // DOWN, x // ACROSS), colours[inside])
            np.add.at(self.counts, (y // DOWN, x // ACROSS), 1.0)

    def line(self, start: Float64[np.ndarray, " xy"], end: Float64[np.ndarray, " xy"], gap: float = 1.0) -> None:
        """A straight line of dots, `gap` dots apart."""
        steps = max(1, round(float(np.abs(end - start).max()) / gap))
        self.dots(start + np.linspace(0, 1, steps + 1)[:, None] * (end - start))

    def glyph(self, place: Float64[np.ndarray, " xy"], letter: str, colour: Float64[np.ndarray, " rgb"] | None = None) -> None:
        """A character in the cell of this place, over its dots."""
        column, row = round(float(place[0])) // ACROSS, round(float(place[1])) // DOWN
        if 0 <= row < self.height and 0 <= column < self.width:
            self.letters[row, column] = (letter, "" if colour is None else _rgb(colour))

    def write(self, row: int, column: int, text: str) -> None:
        """Characters from this cell on, moved left as far as they would not fit."""
        column = max(0, min(column, self.width - len(text)))
        for k, letter in enumerate(text[: self.width]):
            if 0 <= row < self.height:
                self.letters[row, column + k] = (letter, "bold")

    def rows(self) -> list[Text]:
        """The sheet, line by line, every one of full width; without colour it reads the same."""
        return [self._row(row) for row in range(self.height)]

    def _row(self, row: int) -> Text:
        line = Text(no_wrap=True)
        for column in range(self.width):
            if (row, column) in self.letters:
                letter, style = self.letters[row, column]
                line.append(letter, style=Style.parse(style) if style else None)
            elif self.cells[row, column]:
                count = self.counts[row, column]
                style = _rgb(self.colours[row, column] / count) if count else "dim"
                line.append(chr(BLANK + int(self.cells[row, column])), style=style)
            else:
                line.append(" ")
        return line


def _rgb(colour: Float64[np.ndarray, " rgb"]) -> str:
    red, green, blue = (round(255 * float(value)) for value in np.clip(colour, 0.0, 1.0))
    return f"#{red:02x}{green:02x}{blue:02x}"
