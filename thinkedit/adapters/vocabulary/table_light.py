"""The table of operations on light: tone and colour."""

from __future__ import annotations

from thinkedit.adapters.vocabulary.operation import AREAS, TONE_REGIONS, Operation, words

__all__ = ["LIGHT"]

LIGHT = (
    # ---- tone
    Operation(
        "exposure",
        "tone",
        ("make {at} {how} brighter{by}", "make {at} {how} darker{by}"),
        more=words("bright, brighter, lighter, well lit, luminous, overexposed, over exposed"),
        less=words("dark, darker, dim, dimmer, underexposed, under exposed"),
        more_verbs=words("brighten, brighten up, lighten, lighten up, brightening, lightening, light up"),
        less_verbs=words("darken, darken down, dim down, darkening, underexpose"),
        nouns=words("exposure, brightness, lightness, luminosity, luminance, light"),
        against=words("darkness"),
        regions=TONE_REGIONS - {"shadows", "highlights"},
        colours=True,
        units=("percent", "times", "stops"),
        limit=8.5,
    ),
    Operation(
        "contrast",
        "tone",
        ("increase the contrast{of}{how}{by}", "reduce the contrast{of}{how}{by}"),
        more=words("contrasty, contrastier, punchy, punchier, high contrast, higher contrast, contrasted"),
        less=words("flat, flatter, washed out, low contrast, lower contrast, faded, softer contrast"),
        more_verbs=words("add punch, give it punch, give it some punch, add some punch, more punch"),
        less_verbs=words("flatten"),
        nouns=words("contrast"),
        regions=AREAS,
        colours=True,
        plain_percent=25.0,
        limit=8.0,
    ),
    Operation(
        "gamma",
        "tone",
        ("raise the midtones{of}{how}{by}", "lower the midtones{of}{how}{by}"),
        more_verbs=words(
            "brighten midtones, brighter midtones, lighten midtones, lighter midtones, lift midtones"
        ),
        less_verbs=words("darken midtones, darker midtones, deepen midtones"),
        nouns=words("gamma, midtones, mid tones, midtone, middle tones, mids"),
        regions=AREAS,
        colours=True,
    ),
    Operation(
        "shadows",
        "tone",
        ("lift the shadows{of}{how}{by}", "deepen the shadows{of}{how}{by}"),
        more_verbs=words(
            "lift shadows, open shadows, open up shadows, fill in shadows, fill shadows, recover shadows, "
            "recover shadow detail, more shadow detail, bring out shadows, show more in shadows, "
            "more detail in shadows, bring out detail in shadows, bring out details in shadows, fill light"
        ),
        less_verbs=words(
            "deepen shadows, deeper shadows, crush shadows, deepen blacks, deeper blacks, darken blacks"
        ),
        nouns=words("blacks"),
        regions=AREAS,
    ),
    Operation(
        "highlights",
        "tone",
        ("brighten the highlights{of}{how}{by}", "recover the highlights{of}{how}{by}"),
        more_verbs=words("brighten whites, brighter whites"),
        less_verbs=words(
            "recover highlights, recover highlight detail, tame highlights, rescue highlights, "
            "restore highlights, "
            "bring back highlights, fix blown highlights, fix blown out highlights, soften highlights, "
            "pull back highlights, recover detail in highlights, recover details in highlights, "
            "bring back detail in highlights, more detail in highlights, highlight recovery, less blown out"
        ),
        nouns=words("whites"),
        regions=AREAS,
    ),
    Operation(
        "clarity",
        "tone",
        ("add{how} clarity{of}{by}", "reduce the clarity{of}{how}{by}"),
        more=words("crisp, crisper, clearer, gritty, grittier, defined, more defined, better defined"),
        more_verbs=words(
            "bring out texture, bring out details, bring out detail, more definition, add definition"
        ),
        nouns=words("clarity, local contrast, texture, structure, definition, micro contrast, microcontrast"),
        regions=AREAS,
    ),
    Operation(
        "auto",
        "tone",
        ("enhance the photo{how}{by}",),
        more_verbs=words(
            "auto enhance, enhance automatically, automatic enhance, automatic enhancement, auto, "
            "autocorrect, "
            "auto correct, auto fix, autofix, auto levels, autolevels, auto tone, enhance, "
            "improve, look better, better looking, nicer, look nicer, look good, fix photo, fix picture, "
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
        more=words("warm, warmer, golden, more golden, yellower, sunnier, more yellow, more orange"),
        less=words(
            "cool, cooler, cold, colder, bluish, icy, icier, yellowish, less yellow, less orange, "
            "too yellow, too orange"
        ),
        more_verbs=words(
            "warm up, warming, less blue, too blue, too bluish, less bluish, remove blue cast, "
            "remove blue tint, "
            "reduce blue cast, reduce blue tint, fix blue cast"
        ),
        less_verbs=words(
            "cool down, cool off, cooling, less yellowish, too yellowish, remove yellow cast, "
            "remove yellow tint, "
            "reduce yellow cast, reduce yellow tint, fix yellow cast, remove orange cast, remove orange tint"
        ),
        nouns=words("warmth, temperature, colour temperature, white balance temperature"),
        against=words("coolness, coldness"),
        regions=TONE_REGIONS,
        colours=True,
    ),
    Operation(
        "tint",
        "colour",
        ("make {at} {how} more magenta{by}", "make {at} {how} greener{by}"),
        more=words("more magenta, less green, too green, magenta tint, less greenish, too greenish"),
        less=words("greener, more green, less magenta, too magenta, too pink, less pink, green tint"),
        more_verbs=words(
            "remove green cast, remove green tint, reduce green cast, reduce green tint, fix green cast"
        ),
        less_verbs=words(
            "remove magenta cast, remove magenta tint, reduce magenta cast, reduce magenta tint, "
            "fix magenta cast"
        ),
        regions=TONE_REGIONS,
    ),
    Operation(
        "saturation",
        "colour",
        ("increase the saturation{of}{how}{by}", "reduce the saturation{of}{how}{by}"),
        more=words("saturated, more intense colour, stronger colour, deeper colour, intense colour"),
        less=words(
            "desaturated, muted, pale, paler, drab, paler colour, muted colour, softer colour, weaker colour"
        ),
        more_verbs=words(
            "saturate, boost colour, intensify colour, strengthen colour, enhance colour, deepen colour"
        ),
        less_verbs=words("desaturate, mute, mute colour, tone down colour, desaturating"),
        nouns=words("saturation, colour, colour intensity, colour saturation, chroma"),
        regions=TONE_REGIONS,
        colours=True,
        plain_percent=30.0,
        limit=10.0,
    ),
    Operation(
        "vibrance",
        "colour",
        ("make {at} {how} more vibrant{by}", "make {at} {how} less vibrant{by}"),
        more=words(
            "vibrant, vivid, more vivid, colourful, lively, livelier, rich, richer, richer "
            "colour, brighter colour, "
            "vibrant colour, vivid colour, rich colour, lively colour"
        ),
        less=words("lifeless"),
        more_verbs=words(
            "make colour pop, make it pop, pop, add pop, give it pop, give it some pop, colour pop, enliven"
        ),
        nouns=words("vibrance, vibrancy, vividness"),
        regions=TONE_REGIONS,
    ),
    Operation(
        "black_and_white",
        "colour",
        ("make {at}{how} black and white{by}",),
        more=words(
            "black and white, monochrome, monochromatic, greyscale, grey scale, b w, bw, b and w, "
            "colourless, grayscale"
        ),
        more_verbs=words(
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
        more=words("sepia, sepia tone, sepia toned, sepia look, sepia effect, sepia filter"),
        regions=AREAS,
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    Operation(
        "vintage",
        "colour",
        ("give it a{how} vintage look{by}",),
        more=words(
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
        more_verbs=words("recolour, change colour, paint, dye, swap colour, colourise, change hue, repaint"),
        regions=frozenset({"subject"}),
        colours=True,
        options=("colour",),
        units=(),
    ),
)
