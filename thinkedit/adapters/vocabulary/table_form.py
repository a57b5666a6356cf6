"""The table of operations on form: detail, background, sky, style, geometry, text, and what must stay."""

from __future__ import annotations

from thinkedit.adapters.vocabulary.operation import AREAS, PLACES, TONE_REGIONS, Operation, words

__all__ = ["FORM"]

FORM = (
    # ---- detail
    Operation(
        "sharpen",
        "detail",
        ("sharpen {at}{how}{by}",),
        more=words("sharp, sharper, in focus, more in focus"),
        more_verbs=words("sharpen, sharpen up, sharpening, unblur, deblur"),
        nouns=words("sharpness, sharpening, acutance, focus"),
        against=words("softness, blurriness, fuzziness"),
        opposite="blur",
        regions=AREAS,
    ),
    Operation(
        "denoise",
        "detail",
        ("reduce the noise{of}{how}{by}",),
        more=words("smooth, smoother, cleaner"),
        less=words("noisy, noisier, grainy, grainier"),
        more_verbs=words(
            "denoise, noise reduction, smooth out, clean up, remove noise, remove grain, denoising"
        ),
        against=words("noise, grain, graininess, image noise, colour noise, digital noise, film grain"),
        regions=AREAS,
    ),
    Operation(
        "blur",
        "detail",
        ("blur {at}{how}{by}",),
        more=words("blurry, blurrier, blurred, out of focus, soft focus, defocused, fuzzy, unsharp, bokeh"),
        more_verbs=words(
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
        more_verbs=words(
            "vignette, vignetting, vignette effect, darken edges, darken corners, darker edges, "
            "darker corners, "
            "dark edges, dark corners, darken borders, corners darker, edges darker, fade edges to black"
        ),
    ),
    Operation(
        "pixelate",
        "detail",
        ("pixelate {at}{how}{by}",),
        more=words("pixelated, mosaic, blocky, pixel art"),
        more_verbs=words("pixelate, pixellate, mosaic effect, pixelate out, pixelation, censor"),
        regions=AREAS,
        units=("percent", "times", "pixels"),
        bare="pixels",
    ),
    # ---- subject and background
    Operation(
        "background_replace",
        "background",
        ("replace the background with {with}",),
        more_verbs=words(
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
        more_verbs=words(
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
        more=words(
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
        more=words(
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
        more=words(
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
        more=words(
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
        more=words(
            "cartoon, cartoonish, comic, comic book, cartoon style, comic style, cartoon look, cartoon effect"
        ),
        more_verbs=words("cartoonify, cartoonise, cartoonize"),
        units=("percent",),
        plain_percent=100.0,
        limit=1.6,
    ),
    # ---- geometry
    Operation(
        "crop",
        "geometry",
        ("crop {to}",),
        more_verbs=words(
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
        more_verbs=words("rotate, tilt, rotation, straighten, spin, rotated, rotating"),
        units=("degrees",),
        bare="degrees",
        limit=4.0,
    ),
    Operation(
        "flip",
        "geometry",
        ("flip it {axis}",),
        more_verbs=words("flip, mirror, mirrored, flipped, mirror image, reflect"),
        options=("axis",),
        units=(),
    ),
    Operation(
        "resize",
        "geometry",
        ("resize it to {size}",),
        more_verbs=words(
            "resize, scale, scale up, scale down, enlarge, shrink, upscale, downscale, downsize, resample, "
            "stretch, squeeze, stretched, squeezed"
        ),
        options=("width", "height", "size", "longest", "scale", "exact"),
        units=(),
        bare="pixels",
    ),
    Operation(
        "border",
        "geometry",
        ("add a{how} {colour} border{by}",),
        more_verbs=words(
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
        more_verbs=words(
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
