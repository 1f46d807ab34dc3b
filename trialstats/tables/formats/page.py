"""The paper on which a study report prints its tables."""

from dataclasses import dataclass

from trialstats.errors import ConfigError

#: Width and height in inches, upright.
PAPERS = {"letter": (8.5, 11.0), "a4": (8.27, 11.69)}

#: Width of a character in ems. Fonts of one width: their columns can be counted.
FONTS = {"Courier New": 0.6, "Liberation Mono": 0.6, "DejaVu Sans Mono": 0.602}

POINTS = 72


@dataclass(frozen=True, slots=True)
class Page:
    """Paper, type and margins.

    Parameters
    ----------
    paper : {"letter", "a4"}
        Size of the sheet.
    orientation : {"landscape", "portrait"}
        How it lies.
    font : str
        One of `FONTS`.
    size : int
        Size of the type in points.
    margin : float
        Margins in inches.

    Raises
    ------
    ConfigError
        When the paper, the orientation or the font is unknown, or the type so large
        that hardly a word fits a line.
    """

    paper: str = "letter"
    orientation: str = "landscape"
    font: str = "Courier New"
    size: int = 9
    margin: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what no page has."""
        for what, value, known in (
            ("paper", self.paper, PAPERS),
            ("orientation", self.orientation, ("landscape", "portrait")),
            ("font", self.font, FONTS),
        ):
            if value not in known:
                listed = ", ".join(known)
                raise ConfigError(f"{what} of tables: {value!r} is not one of {listed}")
        if self.size < 5 or self.text_width * POINTS < 40 * self.character:
            raise ConfigError(
                f"size of tables: {self.size} points; write one from 5 to 16"
            )

    @property
    def width(self) -> float:
        """Inches from edge to edge."""
        return PAPERS[self.paper][self.orientation == "landscape"]

    @property
    def height(self) -> float:
        """Inches from top to bottom."""
        return PAPERS[self.paper][self.orientation != "landscape"]

    @property
    def text_width(self) -> float:
        """Inches between the margins."""
        return self.width - 2 * self.margin

    @property
    def character(self) -> float:
        """Points that a character is wide."""
        return FONTS[self.font] * self.size
