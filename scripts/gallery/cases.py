"""The instructions that the gallery gives to each photograph, with what each should come to (targets.py)."""

from __future__ import annotations

from dataclasses import dataclass

from gallery.targets import Wish, wish

__all__ = ["CASES", "SHARED", "Case", "cases"]


@dataclass(frozen=True)
class Case:
    """wishes: empty for an instruction that should be refused."""

    instruction: str
    wishes: tuple[Wish, ...] = ()

    @property
    def refusal(self) -> bool:
        return not self.wishes


SHARED: tuple[Case, ...] = (
    Case("make it brighter", (wish("brighter"),)),
    Case("brighten it by 1 stop", (wish("one stop brighter"),)),
    Case("increase the contrast", (wish("contrast"),)),
    Case("make it warmer", (wish("warmer"),)),
    Case("make it slightly more vibrant", (wish("vibrance", "slightly"),)),
    Case("make it much more saturated", (wish("saturation", "much"),)),
    Case("make it warmer and brighten the shadows", (wish("warmer"), wish("shadows"))),
    Case(
        "increase the contrast, make it slightly cooler and add a vignette",
        (wish("contrast"), wish("cooler", "slightly"), wish("vignette")),
    ),
    Case("make it warmer and more saturated", (wish("warmer"), wish("saturation"))),
    Case("make it brighter and more saturated", (wish("brighter"), wish("saturation"))),
    Case(
        "make it warmer, more vibrant and add contrast",
        (wish("warmer"), wish("vibrance"), wish("contrast")),
    ),
    Case("brighten it by 1 stop and make it more vibrant", (wish("one stop brighter"), wish("vibrance"))),
    Case("make it brighter but keep the highlights", (wish("brighter below the highlights"),)),
    Case("make it much brighter", (wish("brighter", "much"),)),
    Case("make it black and white", (wish("black and white"),)),
    Case("sharpen it", (wish("sharper"),)),
    Case("blur the background", (wish("background blurred"),)),
    Case("turn it into a watercolour", (wish("painted"),)),
    Case("rotate it 5 degrees clockwise", (wish("turned 5 degrees"),)),
    Case("crop it to a square", (wish("square"),)),
)
"""Given to every photograph."""

CASES: dict[str, tuple[Case, ...]] = {
    "astronaut": (
        Case("make the orange suit blue", (wish("suit blue"),)),
        Case(
            "make the background darker and blur it", (wish("background darker"), wish("background blurred"))
        ),
        Case("brighten the face", (wish("face brighter"),)),
        Case("pixelate the face", (wish("face pixelated"),)),
        Case("reduce the saturation by 30 %", (wish("30 % less saturation"),)),
        Case("turn it into a pencil sketch", (wish("pencil"),)),
        Case("replace the background with white", (wish("background white"),)),
        Case('add the caption "Eileen Collins" at the bottom', (wish("captioned"),)),
        Case("replace the sky with a sunset"),
        Case("remove the flag"),
    ),
    "chelsea": (
        Case("make the background black and white", (wish("background grey"),)),
        Case("make it much warmer", (wish("warmer", "much"),)),
        Case("give it a sepia tone", (wish("sepia"),)),
        Case("add clarity", (wish("clarity"),)),
        Case("flip it horizontally", (wish("mirrored"),)),
        Case('add the caption "Chelsea" at the bottom', (wish("captioned"),)),
        Case("replace the sky with a sunset"),
        Case("make the cat smile"),
    ),
    "china": (
        Case("replace the sky with a sunset", (wish("sunset sky"),)),
        Case("make the sky darker", (wish("sky darker"),)),
        Case("replace the sky with an overcast one", (wish("overcast sky"),)),
        Case("make it more vibrant but leave the sky alone", (wish("vibrance"), wish("sky left alone"))),
        Case("recover the highlights and lift the shadows", (wish("highlights down"), wish("shadows"))),
        Case("turn it into an oil painting", (wish("painted"),)),
        Case('add the caption "Summer Palace" at the bottom', (wish("captioned"),)),
        Case("add a bird to the sky"),
    ),
    "coffee": (
        Case("make the red cup blue", (wish("red china blue"),)),
        Case("make the red cup green", (wish("red china green"),)),
        Case("make it much cooler", (wish("cooler", "much"),)),
        Case("make it darker and increase the contrast", (wish("darker"), wish("contrast"))),
        Case("give it a vintage look", (wish("vintage"),)),
        Case("turn it into a cartoon", (wish("painted"),)),
        Case("resize it to 300 pixels wide", (wish("300 wide"),)),
        Case("replace the sky with a sunset"),
        Case("fill the cup with tea"),
    ),
    "rocket": (
        Case("reduce the noise", (wish("denoised"),)),
        Case("enhance the photo", (wish("auto"),)),
        Case("make the sky brighter", (wish("sky brighter"),)),
        Case("make it brighter, warmer and sharper", (wish("brighter"), wish("warmer"), wish("sharper"))),
        Case("turn it into a colour sketch", (wish("colour sketch"),)),
        Case("add a thin white border", (wish("white border"),)),
        Case("replace the sky with a sunset", (wish("sunset sky"),)),
        Case("launch the rocket"),
    ),
}
"""Given to one photograph, besides the shared ones."""


def cases(photo: str) -> tuple[Case, ...]:
    return SHARED + CASES[photo]
