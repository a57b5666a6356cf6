"""Words that belong to no single operation: amounts, regions, colours, verbs of direction, filler.

Everything is lower case, in British spelling, without "the": `tokens.py` brings a sentence into that
form before it looks here.
"""

from __future__ import annotations

__all__ = [
    "AMOUNTS",
    "CAPTION_SIZES",
    "COLOURS",
    "COLOUR_PLURALS",
    "FACTORS",
    "FAULTS",
    "FILLER",
    "HINTS",
    "KEEP",
    "LOWER",
    "MISTAKES",
    "NEUTRAL",
    "NUMBERS",
    "OTHER_SKIES",
    "PARTICLES",
    "RAISE",
    "RATIOS",
    "REGIONS",
    "REGION_NAMES",
    "SHADES",
    "SKIES",
    "SOFT_NOUNS",
    "SPELLING",
    "STATING",
    "STRIP",
    "SUBJECT_NOUNS",
    "THING_NOUNS",
    "UNITS",
    "UNTOUCHED",
    "WHOLE",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


AMOUNTS: dict[float, tuple[str, ...]] = {
    0.25: _words(
        "a touch, a hint, a tad, a tiny bit, a little bit of a touch, very slightly, very slight, ever so "
        "slightly, just a touch, "
        "a hair, barely, minimally, a trace, only very slightly, a touch of, a hint of"
    ),
    0.5: _words(
        "slightly, a bit, a little, a little bit, subtly, subtle, gently, gentle, mildly, mild, "
        "lightly, a bit of, "
        "a little bit of, slight, faint, faintly, discreet, discreetly, softly, bit, little, a "
        "small amount, weakly, "
        "a small amount of, not too much, not too strong, not too strongly, not so much, not "
        "much, not a lot, "
        "nothing extreme, nothing too extreme, carefully, light touch, delicately, delicate, a slight, "
        "thin, thinner, narrow"
    ),
    0.75: _words("somewhat, fairly, rather, moderately, modestly, moderate, modest, kind of, a fair bit"),
    1.0: _words("normally, normal, properly, some, some more, decidedly"),
    1.3: _words(
        "noticeably, noticeable, clearly, visibly, quite, quite a bit, obviously, plainly, noticeable amount"
    ),
    1.6: _words(
        "much, a lot, very, really, strongly, strong, stronger, considerably, considerable, significantly, "
        "significant, heavily, heavy, substantially, greatly, far, lots, lots of, a lot of, a "
        "good deal, well, "
        "a great deal, way, hugely, thick, thicker, plenty, plenty of, deep, deeply, so much, a lot more"
    ),
    2.2: _words(
        "extremely, very much, very strongly, very strong, super, extreme, dramatically, "
        "intensely, massively, "
        "drastically, enormously, radically, very very, hugely much, ultra, incredibly, as much as possible"
    ),
}
"""Amount in units of the plain amount -> how it is said. `phrase` uses the words in `phrasing.py`."""

NUMBERS: dict[str, float] = {
    "half": 0.5, "half a": 0.5, "one half": 0.5, "a third": 1 / 3, "one third": 1 / 3, "third": 1 / 3,
    "two thirds": 2 / 3, "a quarter": 0.25, "quarter": 0.25, "one quarter": 0.25, "three quarters": 0.75,
    "one and a half": 1.5, "two and a half": 2.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
    "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "forty five": 45, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "a hundred": 100,
    "one hundred": 100, "hundred": 100,
}  # fmt: skip
FACTORS: dict[str, float] = {
    "twice": 2, "twice as": 2, "twice as much": 2, "double": 2, "doubled": 2, "two times": 2,
    "three times as": 3,
    "three times": 3, "triple": 3, "tripled": 3, "thrice": 3, "half as": 0.5, "half as much": 0.5,
    "halve": 0.5,
    "halved": 0.5, "cut in half": 0.5,
}  # fmt: skip
UNITS: dict[str, str] = {
    "%": "percent", "percent": "percent", "per cent": "percent", "pct": "percent", "stop": "stops",
    "stops": "stops", "f stop": "stops", "f stops": "stops", "ev": "stops", "°": "degrees",
    "degree": "degrees",
    "degrees": "degrees", "deg": "degrees", "px": "pixels", "pixel": "pixels", "pixels": "pixels",
    "times": "times",
    "x": "times",
}  # fmt: skip

RAISE = _words(
    "increase, raise, boost, up, add, more, higher, greater, bump, bump up, crank up, turn up, "
    "push, push up, bring up, "
    "strengthen, intensify, amplify, gain, lift, extra, bring out, dial up, apply, give more, "
    "increasing, adding, "
    "raising, additional, pump up, step up, stronger, put in, deepen more, accentuate, emphasise"
)
LOWER = _words(
    "decrease, reduce, lower, less, cut down, tone down, turn down, lessen, weaken, drop, "
    "diminish, bring down, "
    "pull down, dial down, dial back, pull back, minimise, minimize, tame, not so, not as, not "
    "that, reducing, "
    "decreasing, lowering, fewer, take down, ease, ease off, weaker, subdue, too, too much, too many"
)
STRIP = _words("remove, remove all, get rid of, eliminate, take out, take away, strip, erase, delete")
NEUTRAL = _words(
    "make, turn, get, give, set, put, have, render, convert, transform, change, adjust, edit, do, "
    "create, produce, "
    "return, show, bring, use, making, draw, place, insert, go, fill, want to see, try, keep it"
)
KEEP = _words(
    "keep, keeping, protect, protecting, preserve, preserving, leave, leaving, do not change, don't change, "
    "do not touch, don't touch, do not alter, don't alter, without changing, without touching, "
    "without altering, "
    "without affecting, do not affect, don't affect, maintain, maintaining, retain, retaining, "
    "not change, not touch, "
    "spare, sparing, everything except, everything but, all except, all but, except for, except, apart from, "
    "without losing, don't lose, do not lose, avoid changing, do not modify, don't modify, "
    "without modifying, "
    "do not damage, without blowing out, don't blow out, do not blow out, without clipping, don't "
    "clip, do not clip, "
    "protection for, not affect, not affecting, without damaging, excluding, don't mess with"
)
UNTOUCHED = _words(
    "alone, untouched, intact, unchanged, the same, same, as it is, as they are, as is, as it "
    "was, as they were, "
    "unaltered, in place, safe, unaffected, how it is, how they are, like it is, unmodified, "
    "natural, in colour"
)

REGIONS: dict[str, tuple[str, ...]] = {
    "subject": _words(
        "subject, main subject, foreground, subjects, main object, object in front, foreground subject"
    ),
    "background": _words("background, backdrop, bg, surroundings, background area, behind subject, behind"),
    "sky": _words("sky, skies, sky area, heavens"),
    "top": _words(
        "top, top half, upper half, top part, upper part, upper, top third, upper third, top area, top side"
    ),
    "bottom": _words(
        "bottom, bottom half, lower half, bottom part, lower part, bottom third, lower third, "
        "bottom area, bottom side"
    ),
    "left": _words("left, left half, left side, left part, left hand side, left third"),
    "right": _words("right, right half, right side, right part, right hand side, right third"),
    "centre": _words("centre, middle, central part, middle part, centre part, central area, centre area"),
    "shadows": _words(
        "shadows, shadow, dark areas, dark parts, darks, dark tones, darker areas, darker parts, dark regions"
    ),
    "highlights": _words(
        "highlights, highlight, bright areas, bright parts, brights, light areas, bright tones, "
        "lights, brighter areas, "
        "brightest parts, brightest areas, bright regions"
    ),
    "faces": _words("face, faces, skin, skin tone, skin tones, complexion"),
    "colours": _words("all colours, colours as they are, hues"),
}
REGION_NAMES: dict[str, str] = {
    "whole": "it", "subject": "the subject", "background": "the background", "sky": "the sky",
    "top": "the top",
    "bottom": "the bottom", "left": "the left side", "right": "the right side", "centre": "the centre",
    "shadows": "the shadows", "highlights": "the highlights", "faces": "the faces", "colours": "the hues",
}  # fmt: skip
SUBJECT_NOUNS = _names(
    """
    person people man men woman women girl boy child children kid kids baby lady guy couple model
    astronaut bride groom family friend player dancer cat kitten dog puppy horse bird animal fox cow
    sheep rabbit lion butterfly bee insect fish duck owl cup mug coffee glass bottle plate bowl car
    bike bicycle motorcycle bus truck van boat ship plane airplane aeroplane train rocket flower
    flowers rose tulip marigold blossom plant fruit apple statue sculpture toy teddy doll ball hat
    dress shirt jacket coat suit bag shoe shoes product object pagoda tower temple church castle
    lighthouse
    """
)
"""Nouns taken to mean the main subject. What it is is not recognised: the subject is found by salience."""
THING_NOUNS = SUBJECT_NOUNS | _names(
    """
    wall walls door doors window roof roofs leaf leaves petal petals grass tree trees sign chair
    table sofa umbrella balloon balloons curtain scarf tie skirt trousers jeans sweater helmet hair
    lips lipstick light lights part parts area areas thing things tone tones colour stripes cloth
    fabric carpet paint bricks saucer blanket pillow kite lantern lanterns book books box hood
    t-shirt tshirt
    """
)
"""Nouns that may follow a colour ("the red umbrella"): the colour finds the place, whatever the noun."""

COLOURS: dict[str, tuple[str, ...]] = {
    "red": _words("red, crimson, scarlet, maroon, burgundy"),
    "orange": _words("orange, coral, amber, peach"),
    "yellow": _words("yellow, gold, mustard, lemon"),
    "green": _words("green, lime, olive, emerald, mint"),
    "turquoise": _words("turquoise, cyan, teal, aqua"),
    "blue": _words("blue, navy, azure, indigo"),
    "purple": _words("purple, violet, lilac, lavender, plum"),
    "pink": _words("pink, magenta, rose, fuchsia"),
    "brown": _words("brown, chocolate"),
    "beige": _words("beige, cream, ivory, sand, tan"),
    "white": _words("white"),
    "grey": _words("grey, silver"),
    "black": _words("black, charcoal"),
}
"""Colours as places ("the red parts") -> the words for them. As paint, each word is a colour of its own."""
SHADES = _words("light, dark, pale, deep, bright")
COLOUR_PLURALS: dict[str, str] = {
    "reds": "red", "oranges": "orange", "yellows": "yellow", "greens": "green", "cyans": "turquoise",
    "blues": "blue", "purples": "purple", "violets": "purple",
    "magentas": "pink", "pinks": "pink", "browns": "brown",
}  # fmt: skip
SKIES: dict[str, tuple[str, ...]] = {
    "clear": _words(
        "clear, clear blue, cloudless, sunny, clear blue one, clear one, clear sky, blue sky, clear blue sky"
    ),
    "sunset": _words("sunset, dusk, sunrise, dawn, evening, golden hour, sunset sky, evening sky"),
    "overcast": _words(
        "overcast, cloudy, clouded, cloudy sky, overcast sky, grey clouds, clouds, cloudier, grey sky"
    ),
}
OTHER_SKIES = _words("dramatic sky, dramatic one, stormy, stormy sky, storm clouds, a storm")
"""Skies that a person may ask for and that are not painted."""
CAPTION_SIZES: dict[str, tuple[str, ...]] = {
    "small": _words("small, tiny, smaller, small letters, in small letters"),
    "medium": _words("medium, medium sized"),
    "large": _words(
        "large, big, larger, bigger, huge, large letters, big letters, in large letters, in big letters"
    ),
}

WHOLE = _words(
    "photo, photos, picture, image, shot, photograph, scene, whole, entire, everything, overall, "
    "whole photo, rest, "
    "whole picture, whole image, entire photo, entire image, "
    "entire picture, everywhere, everything else, all else, "
    "portrait, landscape, snapshot"
)
SOFT_NOUNS = _words(
    "colour, tone, tones, light, lighting, look, feel, mood, atmosphere, detail, details, effect, "
    "style, version, area, "
    "areas, part, parts, filter, edges, focus, colour tone, colour tones, texture, white balance, temperature"
)
"""Nouns that say nothing beside another operation's word ("warmer tones", "sharper details")."""
FILLER = _words(
    """
    a, an, the, of, in, on, at, by, so, just, only, kindly, please, can, could, would, you, i, i'd,
    i'll, we, us, like, want, need, for, be, is, are, looks, look, looking, me, my, your, this, that,
    these, those, let, let's, lets, there, should, will, it's, its, as, from, all, around, over, across,
    seem, seems, appear, appears, them, they, onto, inside, that's, which, simply, now, maybe, perhaps,
    was, were, thanks, thank you, hi, hello, hey, ok, okay, any, such, sure, has, have, too, natural,
    naturally, nice, nicely, beautiful, reading, that says, says, which says, that reads, sized,
    finally, first, second, third, next, lastly, corner, edge, saying that, letters, version, coloured,
    side, throughout, towards, toward, along, each side, please note, amount, quality, do this, edit
    this, following, i would
    """
)
PARTICLES = {"up": 1, "down": -1, "out": 0}
"""Of a verb that stands apart from it ("warm it up", "bring the highlights down", "blur it out")."""

SPELLING: dict[str, str] = {
    "color": "colour", "colors": "colour", "colours": "colour", "colored": "coloured",
    "coloring": "colouring",
    "gray": "grey", "grays": "greys", "grayscale": "greyscale", "center": "centre", "recolor": "recolour",
    "recoloured": "recolour", "recolored": "recolour", "colorful": "colourful", "colorless": "colourless",
    "watercolor": "watercolour", "watercolors": "watercolour", "watercolours": "watercolour",
    "colorize": "colourise",
    "colourize": "colourise", "desaturating": "desaturate", "saturating": "saturate", "discolor": "discolour",
    "emphasize": "emphasise", "photoes": "photos", "vignetted": "vignette", "colour's": "colour",
    "hued": "hue",
    "colorise": "colourise", "pixelise": "pixelate", "pixelize": "pixelate",
    "anticlockwise": "counterclockwise",
}  # fmt: skip

FAULTS = frozenset(
    _words("washed out, flat, faded, blurry, unsharp, fuzzy, out of focus, noisy, grainy, drab, lifeless")
)
"""Said of a picture ("it is blurry"), these ask for the contrary."""
MISTAKES = frozenset(_words("underexposed, under exposed, overexposed, over exposed, washed out"))
"""These do so in any form without a verb."""
STATING = frozenset(_words("is, are, it's, looks, seems, appears, was, were"))

HINTS: dict[str, str] = {
    "dramatic": "say what: more contrast, more clarity, a vignette or darker",
    "cinematic": "say what: cooler shadows, warmer highlights, less saturation or a vignette",
    "moody": "say what: darker, less saturated, cooler or a vignette",
    "professional": "say what: brighter, more contrast, sharper or warmer",
    "hdr": "try lifting the shadows, recovering the highlights and adding clarity",
    "moodier": "say what: darker, less saturated, cooler or a vignette",
    "airy": "say what: brighter, less contrast or lifted shadows",
    "stand": "try a blurred or a darker background",
    "stands": "try a blurred or a darker background",
    "cast": "try warmer or cooler, more magenta or greener, or enhance the photo",
    "tint": "try warmer or cooler, more magenta or greener, or enhance the photo",
    "redness": "try less saturated reds, or greener",
    "haze": "try more clarity and more contrast",
    "dehaze": "try more clarity and more contrast",
    "hazy": "try more clarity and more contrast",
    "foggy": "try more clarity and more contrast",
    "bluer": "try a cooler picture or more saturation in the blues, or replace the sky with a clear one",
    "redder": "try a warmer picture or more saturation in the reds",
    "soft": "say which: less contrast or a slight blur",
    "softer": "say which: less contrast or a slight blur",
    "remove": "nothing but noise, grain and colour can be taken out of a picture",
    "delete": "nothing but noise, grain and colour can be taken out of a picture",
    "erase": "nothing but noise, grain and colour can be taken out of a picture",
    "balance": "try warmer or cooler, more magenta or greener, or enhance the photo",
    "smaller": "say to what size: resize to 50 %",
    "larger": "say to what size: resize to 200 %",
    "bigger": "say to what size: resize to 200 %",
}
"""For words that are clear to a person but not one edit: what to say instead."""
RATIOS = frozenset({"exposure", "saturation", "contrast"})
"""Operations on a quantity that a picture has already, so that "twice", "half" and "to 80 %" make sense."""
