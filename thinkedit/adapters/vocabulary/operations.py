"""The one table of what can be asked for: names, words, scales, regions.

Amounts. The bare word ("warmer") is 1.0. How far that goes in pixels is the editor's business; how a
number in the sentence becomes an amount is said here, by `Operation.amount`:

- a slider ("by 30 %") is linear: `percent / plain_percent`, so that for warmth, whose plain amount is
  50 %, "by 30 %" is 0.6;
- saturation and contrast are the change of the thing itself: +30 % chroma, +25 % tonal slope;
- exposure is light: "30 % brighter" is log2(1.3) stops, "twice as bright" one stop, and a plain
  "brighter" is 0.6 stops;
- "twice as ..." is a factor on exposure, saturation and contrast, and twice the plain amount elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["GROUPS", "OPERATIONS", "PLACES", "STOPS", "TONE_REGIONS", "Operation"]

STOPS = 0.6
"""Stops of light in a plain "brighter"."""

PLACES = ("top", "bottom", "left", "right", "centre")
TONE_REGIONS = frozenset({"whole", "subject", "background", "sky", "shadows", "highlights", "faces", *PLACES})
"""Where tone and colour may be changed; `colour:NAME` besides."""
AREAS = TONE_REGIONS - {"shadows", "highlights"}
WHOLE = frozenset({"whole"})


@dataclass(frozen=True)
class Operation:
    """One row: what it is called, how it is asked for, and how its numbers scale.

    more, less: adjectives; more_verbs, less_verbs: verbs and phrases; nouns: things that a verb of
        direction is needed for ("increase the ..."); against: things that are reduced by the operation
        ("reduce the noise"). Words are written without "the".
    opposite: the operation that "less" of this one means, where there is no less.
    says: sentences for `phrase`, for more and less; `{at}` is the region, `{how}` an amount word and
        `{by}` a quantity.
    units: quantities that may be given; bare: the unit of a number that stands alone.
    plain_percent: the percentage that is the plain amount; limit: the largest amount accepted.
    colours: whether `colour:NAME` is a region for it; options: option keys it accepts.
    """

    name: str
    group: str
    says: tuple[str, ...]
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    more_verbs: tuple[str, ...] = ()
    less_verbs: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    opposite: str | None = None
    regions: frozenset[str] = WHOLE
    colours: bool = False
    options: tuple[str, ...] = ()
    units: tuple[str, ...] = ("percent", "times")
    bare: str = "percent"
    plain_percent: float = 50.0
    plain_degrees: float = 90.0
    limit: float = 5.0

    @property
    def signed(self) -> bool:
        """Whether there is more and less of it."""
        return len(self.says) == 2

    @property
    def precise_unit(self) -> str:
        """The unit in which a precise amount is best said."""
        return "stops" if "stops" in self.units else "percent" if "percent" in self.units else self.units[0]

    def allows(self, region: str) -> bool:
        return region in self.regions or (self.colours and region.startswith("colour:"))

    def amount(self, given: str, direction: int = 1) -> float:
        """The amount that a quantity `unit:number` stands for, with its sign taken as `direction`."""
        unit, _, text = given.partition(":")
        number = float(text)
        if unit == "percent":
            if self.name == "exposure":
                share = number / 100
                light = math.log2(1 + share) if direction >= 0 else -math.log2(max(1 - share, 0.01))
                return round(light / STOPS, 4)
            return round(number / self.plain_percent, 4)
        if unit == "stops":
            return round(number / STOPS, 4)
        if unit == "times":
            if self.name == "exposure":
                return round(abs(math.log2(number)) / STOPS, 4)
            if self.name in ("saturation", "contrast"):
                return round(abs(number - 1) * 100 / self.plain_percent, 4)
            return round(number, 4)
        if unit == "degrees":
            return round(number / self.plain_degrees, 4)
        return 1.0  # pixels say all themselves

    def quantity(self, amount: float, unit: str, direction: int = 1) -> str:
        """The quantity `unit:number` for an amount, rounded as a person would write it."""
        if unit == "stops":
            return f"stops:{round(amount * STOPS, 2):g}"
        if unit == "degrees":
            return f"degrees:{round(amount * self.plain_degrees, 1):g}"
        if unit == "percent" and self.name == "exposure":
            share = 2 ** (amount * STOPS) - 1 if direction >= 0 else 1 - 2 ** (-amount * STOPS)
            return f"percent:{round(share * 100, 1):g}"
        return f"percent:{round(amount * self.plain_percent, 1):g}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_TABLE = (
    # ---- tone
    Operation(
        "exposure",
        "tone",
        ("make {at} {how} brighter{by}", "make {at} {how} darker{by}"),
        more=_words("bright, brighter, lighter, well lit, luminous, overexposed, over exposed"),
        less=_words("dark, darker, dim, dimmer, underexposed, under exposed"),
        more_verbs=_words("brighten, brighten up, lighten, lighten up, brightening, lightening, light up"),
        less_verbs=_words("darken, darken down, dim down, darkening, underexpose"),
        nouns=_words("exposure, brightness, lightness, luminosity, luminance, light"),
        against=_words("darkness"),
        regions=TONE_REGIONS - {"shadows", "highlights"},
        colours=True,
        units=("percent", "times", "stops"),
        limit=8.5,
    ),
    Operation(
        "contrast",
        "tone",
        ("increase the contrast{of}{how}{by}", "reduce the contrast{of}{how}{by}"),
        more=_words("contrasty, contrastier, punchy, punchier, high contrast, higher contrast, contrasted"),
        less=_words("flat, flatter, washed out, low contrast, lower contrast, faded, softer contrast"),
        more_verbs=_words("add punch, give it punch, give it some punch, add some punch, more punch"),
        less_verbs=_words("flatten"),
        nouns=_words("contrast"),
        regions=AREAS,
        colours=True,
        plain_percent=25.0,
        limit=8.0,
    ),
    Operation(
        "gamma",
        "tone",
        ("raise the midtones{of}{how}{by}", "lower the midtones{of}{how}{by}"),
        more_verbs=_words(
            "brighten midtones, brighter midtones, lighten midtones, lighter midtones, lift midtones"
        ),
        less_verbs=_words("darken midtones, darker midtones, deepen midtones"),
        nouns=_words("gamma, midtones, mid tones, midtone, middle tones, mids"),
        regions=AREAS,
        colours=True,
    ),
    Operation(
        "shadows",
        "tone",
        ("lift the shadows{of}{how}{by}", "deepen the shadows{of}{how}{by}"),
        more_verbs=_words(
            "lift shadows, open shadows, open up shadows, fill in shadows, fill shadows, recover shadows, "
            "recover shadow detail, more shadow detail, bring out shadows, show more in shadows, "
            "more detail in shadows, bring out detail in shadows, bring out details in shadows, fill light"
        ),
        less_verbs=_words(
            "deepen shadows, deeper shadows, crush shadows, deepen blacks, deeper blacks, darken blacks"
        ),
        nouns=_words("blacks"),
        regions=AREAS,
    ),
    Operation(
        "highlights",
        "tone",
        ("brighten the highlights{of}{how}{by}", "recover the highlights{of}{how}{by}"),
        more_verbs=_words("brighten whites, brighter whites"),
        less_verbs=_words(
            "recover highlights, recover highlight detail, tame highlights, rescue highlights, "
            "restore highlights, "
            "bring back highlights, fix blown highlights, fix blown out highlights, soften highlights, "
            "pull back highlights, recover detail in highlights, recover details in highlights, "
            "bring back detail in highlights, more detail in highlights, highlight recovery, less blown out"
        ),
        nouns=_words("whites"),
        regions=AREAS,
    ),
    Operation(
        "clarity",
        "tone",
        ("add{how} clarity{of}{by}", "reduce the clarity{of}{how}{by}"),
        more=_words("crisp, crisper, clearer, gritty, grittier, defined, more defined, better defined"),
        more_verbs=_words(
            "bring out texture, bring out details, bring out detail, more definition, add definition"
        ),
        nouns=_words(
            "clarity, local contrast, texture, structure, definition, micro contrast, microcontrast"
        ),
        regions=AREAS,
    ),
    Operation(
        "auto",
        "tone",
        ("enhance the photo{how}{by}",),
        more_verbs=_words(
            "auto enhance, enhance automatically, automatic enhance, automatic enhancement, auto, "
            "autocorrect, "
            "auto correct, auto fix, autofix, auto levels, autolevels, auto tone, enhance, "
            "improve, make it better, "
            "make better, look better, better looking, nicer, look nicer, look good, fix photo, fix picture, "
            "fix image, better, quick fix, one click fix, optimise, optimize, auto adjust, improve quality"
        ),
        plain_percent=100.0,
        limit=2.5,
    ),
    # ---- colour
    Operation(
        "warmth",
        "colour",
        ("make {at} {how} warmer{by}", "make {at} {how} cooler{by}"),
        more=_words("warm, warmer, golden, more golden, yellower, sunnier, more yellow, more orange"),
        less=_words(
            "cool, cooler, cold, colder, bluish, icy, icier, yellowish, less yellow, less orange, "
            "too yellow, too orange"
        ),
        more_verbs=_words("warm up, warming, less blue, too blue, too bluish, less bluish"),
        less_verbs=_words("cool down, cool off, cooling, less yellowish, too yellowish"),
        nouns=_words("warmth, temperature, colour temperature, white balance temperature"),
        against=_words("coolness, coldness"),
        regions=TONE_REGIONS,
        colours=True,
    ),
    Operation(
        "tint",
        "colour",
        ("make {at} {how} more magenta{by}", "make {at} {how} greener{by}"),
        more=_words("more magenta, less green, too green, magenta tint, less greenish, too greenish"),
        less=_words("greener, more green, less magenta, too magenta, too pink, less pink, green tint"),
        more_verbs=_words(
            "remove green cast, remove green tint, reduce green cast, reduce green tint, fix green cast"
        ),
        less_verbs=_words(
            "remove magenta cast, remove magenta tint, reduce magenta cast, reduce magenta tint, "
            "fix magenta cast"
        ),
        regions=TONE_REGIONS,
    ),
    Operation(
        "saturation",
        "colour",
        ("increase the saturation{of}{how}{by}", "reduce the saturation{of}{how}{by}"),
        more=_words("saturated, more intense colour, stronger colour, deeper colour, intense colour"),
        less=_words(
            "desaturated, muted, pale, paler, drab, paler colour, muted colour, softer colour, weaker colour"
        ),
        more_verbs=_words(
            "saturate, boost colour, intensify colour, strengthen colour, enhance colour, deepen colour"
        ),
        less_verbs=_words("desaturate, mute, mute colour, tone down colour, desaturating"),
        nouns=_words("saturation, colour, colour intensity, colour saturation, chroma"),
        regions=TONE_REGIONS,
        colours=True,
        plain_percent=30.0,
        limit=10.0,
    ),
    Operation(
        "vibrance",
        "colour",
        ("make {at} {how} more vibrant{by}", "make {at} {how} less vibrant{by}"),
        more=_words(
            "vibrant, vivid, more vivid, colourful, lively, livelier, rich, richer, richer "
            "colour, brighter colour, "
            "vibrant colour, vivid colour, rich colour, lively colour"
        ),
        less=_words("lifeless"),
        more_verbs=_words(
            "make colour pop, make it pop, pop, add pop, give it pop, give it some pop, colour pop, enliven"
        ),
        nouns=_words("vibrance, vibrancy, vividness"),
        regions=TONE_REGIONS,
    ),
    Operation(
        "black_and_white",
        "colour",
        ("make {at}{how} black and white{by}",),
        more=_words(
            "black and white, monochrome, monochromatic, greyscale, grey scale, b w, bw, b and w, "
            "colourless, grayscale"
        ),
        more_verbs=_words(
            "remove colour, strip colour, take out colour, remove all colour, drop colour, drain "
            "colour, grey out"
        ),
        regions=AREAS,
        colours=True,
        units=("percent",),
        plain_percent=100.0,
        limit=1.0,
    ),
    Operation(
        "sepia",
        "colour",
        ("make {at} {how} sepia toned{by}",),
        more=_words("sepia, sepia tone, sepia toned, sepia look, sepia effect, sepia filter"),
        regions=AREAS,
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "vintage",
        "colour",
        ("give it a{how} vintage look{by}",),
        more=_words(
            "vintage, vintage look, vintage style, vintage effect, vintage filter, retro, retro "
            "look, retro style, "
            "old photo, old fashioned, aged, old film look, faded film look, nostalgic"
        ),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "recolour",
        "colour",
        ("make {at} {colour}",),
        more_verbs=_words("recolour, change colour, paint, dye, swap colour, colourise, change hue, repaint"),
        regions=frozenset({"subject"}),
        colours=True,
        options=("colour",),
        units=(),
    ),
    # ---- detail
    Operation(
        "sharpen",
        "detail",
        ("sharpen {at}{how}{by}",),
        more=_words("sharp, sharper, in focus, more in focus"),
        more_verbs=_words("sharpen, sharpen up, sharpening, unblur, deblur"),
        nouns=_words("sharpness, sharpening, acutance, focus"),
        against=_words("softness, blurriness, fuzziness"),
        opposite="blur",
        regions=AREAS,
    ),
    Operation(
        "denoise",
        "detail",
        ("reduce the noise{of}{how}{by}",),
        more=_words("smooth, smoother, cleaner"),
        less=_words("noisy, noisier, grainy, grainier"),
        more_verbs=_words(
            "denoise, noise reduction, smooth out, clean up, remove noise, remove grain, denoising"
        ),
        against=_words("noise, grain, graininess, image noise, colour noise, digital noise, film grain"),
        regions=AREAS,
    ),
    Operation(
        "blur",
        "detail",
        ("blur {at}{how}{by}",),
        more=_words("blurry, blurrier, blurred, out of focus, soft focus, defocused, fuzzy, unsharp, bokeh"),
        more_verbs=_words(
            "blur, blur out, blurring, soften, defocus, unfocus, gaussian blur, shallow depth of "
            "field, bokeh effect"
        ),
        opposite="sharpen",
        regions=AREAS,
        units=("percent", "times", "pixels"),
    ),
    Operation(
        "vignette",
        "detail",
        ("add a{how} vignette{by}",),
        more_verbs=_words(
            "vignette, vignetting, vignette effect, darken edges, darken corners, darker edges, "
            "darker corners, "
            "dark edges, dark corners, darken borders, fade edges to black"
        ),
    ),
    Operation(
        "pixelate",
        "detail",
        ("pixelate {at}{how}{by}",),
        more=_words("pixelated, mosaic, blocky, pixel art"),
        more_verbs=_words("pixelate, pixellate, mosaic effect, pixelate out, pixelation, censor"),
        regions=AREAS,
        units=("percent", "times", "pixels"),
        bare="pixels",
    ),
    # ---- subject and background
    Operation(
        "background_replace",
        "background",
        ("replace the background with {with}",),
        more_verbs=_words(
            "replace background, change background, swap background, swap out background, new background, "
            "put background, set background, different background, exchange background, cut out, "
            "cut out subject"
        ),
        options=("with", "colour", "colour2"),
        units=(),
    ),
    # ---- sky
    Operation(
        "sky_replace",
        "sky",
        ("replace the sky with {with}",),
        more_verbs=_words(
            "replace sky, change sky, swap sky, swap out sky, new sky, put sky, different sky, "
            "exchange sky, set sky"
        ),
        options=("with",),
        units=(),
    ),
    # ---- style
    Operation(
        "pencil",
        "style",
        ("turn it into a{how} pencil sketch{by}",),
        more=_words(
            "pencil, pencil sketch, pencil drawing, sketch, drawing, pencil style, sketched, "
            "graphite drawing, "
            "charcoal drawing, line drawing, pencil sketch style"
        ),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "colour_sketch",
        "style",
        ("turn it into a{how} colour sketch{by}",),
        more=_words(
            "colour sketch, coloured sketch, colour pencil, coloured pencil, coloured pencil "
            "drawing, colour drawing, "
            "coloured drawing, crayon drawing, colour pencil sketch, colour pencil drawing, "
            "coloured pencil sketch"
        ),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "watercolour",
        "style",
        ("turn it into a{how} watercolour{by}",),
        more=_words(
            "watercolour, watercolour painting, water colour, watercolour style, watercolour "
            "look, aquarelle, "
            "watercolour effect, water colour painting"
        ),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "oil",
        "style",
        ("turn it into an{how} oil painting{by}",),
        more=_words(
            "oil, oil painting, oil paint, oil painted, oil on canvas, oil painting style, oil paint effect"
        ),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "cartoon",
        "style",
        ("turn it into a{how} cartoon{by}",),
        more=_words(
            "cartoon, cartoonish, comic, comic book, cartoon style, comic style, cartoon look, cartoon effect"
        ),
        more_verbs=_words("cartoonify, cartoonise, cartoonize"),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    # ---- geometry
    Operation(
        "crop",
        "geometry",
        ("crop {to}",),
        more_verbs=_words(
            "crop, trim, cut, cropping, zoom in, zoom, crop in, cropped, cut off, crop off, trim off"
        ),
        regions=frozenset({"whole", "subject", "faces", *PLACES}),
        options=("ratio", "size", "closer", "off"),
        units=("percent", "pixels"),
        plain_percent=20.0,
        limit=4.5,
    ),
    Operation(
        "rotate",
        "geometry",
        ("rotate it clockwise{by}", "rotate it counterclockwise{by}"),
        more_verbs=_words("rotate, tilt, rotation, straighten, spin, rotated, rotating"),
        units=("degrees",),
        bare="degrees",
        limit=4.0,
    ),
    Operation(
        "flip",
        "geometry",
        ("flip it {axis}",),
        more_verbs=_words("flip, mirror, mirrored, flipped, mirror image, reflect"),
        options=("axis",),
        units=(),
    ),
    Operation(
        "resize",
        "geometry",
        ("resize it to {size}",),
        more_verbs=_words(
            "resize, scale, scale up, scale down, enlarge, shrink, upscale, downscale, downsize, resample"
        ),
        options=("width", "height", "size", "longest", "scale"),
        units=(),
        bare="pixels",
    ),
    Operation(
        "border",
        "geometry",
        ("add a{how} {colour} border{by}",),
        more_verbs=_words(
            "border, frame, borders, photo frame, picture frame, border around, frame around, outline"
        ),
        options=("colour",),
        units=("percent", "pixels"),
        bare="pixels",
        plain_percent=4.0,
        limit=10.0,
    ),
    # ---- text
    Operation(
        "caption",
        "text",
        ("add the {size} {colour} text {text} {position}",),
        more_verbs=_words(
            "caption, text, title, write, words, label, watermark, lettering, saying, subtitle, type"
        ),
        options=("text", "position", "colour", "size"),
        units=(),
    ),
    # ---- what must stay
    Operation(
        "protect",
        "protect",
        ("leave {at} alone",),
        regions=TONE_REGIONS - {"whole"} | {"colours"},
        colours=True,
        units=(),
    ),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(operation.group for operation in _TABLE))
