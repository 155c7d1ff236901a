"""What there is to know of a file, and images made of images. Pure: bytes in, values or bytes out.

An image's size is read from its header before anything is unpacked; one of more pixels than the limit is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from PIL import Image, ImageOps

from models.errors import InvalidFile, InvalidValue, NotOffered

Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and looked at before an image is unpacked
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, OverflowError)
EMPTY: Mapping[str, Any] = dict.fromkeys((
    "format", "filesize", "pages", "width", "height", "resolution", "transparent", "animated", "colors", "colorspace",
))  # fmt: skip
SPACES = {"1": "Gray", "L": "Gray", "LA": "Gray", "P": "sRGB", "RGB": "sRGB", "RGBA": "sRGB", "CMYK": "CMYK", "LAB": "Lab"}
TYPES = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP"}
LARGEST = 5_000  # pixels of a side
RESIZES = ("width", "height", "fit", "fill")
IGNORED = ("name", "key", "force", "optimize")
QUALITY = 85


def inspect(file: IO[bytes], size: int, pixels: int) -> dict[str, Any]:
    """Return what there is to know of a file; of one that is no image, its size. Raises InvalidFile for too many pixels."""
    info = {**EMPTY, "filesize": size, "metadata": {}}
    file.seek(0)
    try:
        with Image.open(file) as image:
            _check_pixels(image, pixels)
            info |= _facts(image)
    except UNREADABLE:
        info["format"] = None  # no image, or none that can be read: a file like any other
    file.seek(0)
    return info


def _check_pixels(image: Image.Image, pixels: int) -> None:
    actual = image.width * image.height
    if actual > pixels:
        raise InvalidFile(f"An image has at most {pixels} pixels.", limit=pixels, actual=actual)


def _facts(image: Image.Image) -> dict[str, Any]:
    dots = image.info.get("dpi")
    return {
        "format": (image.format or "").lower(),
        "width": image.width,
        "height": image.height,
        "pages": int(getattr(image, "n_frames", 1)),
        "animated": bool(getattr(image, "is_animated", False)),
        "resolution": [round(float(part)) for part in dots] if dots else None,
        "transparent": "A" in image.getbands() or "transparency" in image.info,
        "colorspace": SPACES.get(image.mode, image.mode),
    }


@dataclass(frozen=True, slots=True)
class Transform:
    """An image to be made: resized to `width` and `height` (one may be None), cropped around a hotspot before."""

    type: str
    resize: str | None = None
    width: int | None = None
    height: int | None = None
    crop: tuple[float, float] | None = None
    hotspot: tuple[float, float] = (0.5, 0.5)
    background: str | None = None
    quality: int = QUALITY


def parse_transform(options: Mapping[str, str], extension: str) -> Transform:
    """Return what the options of an address ask for. Raises InvalidValue, NotOffered."""
    known = dict(options)
    for name in IGNORED:
        known.pop(name, None)
    if "padding" in known:
        raise NotOffered("Padding is not offered here.")
    kind = known.pop("type", extension if extension in TYPES else "jpg")
    if kind not in TYPES:
        raise InvalidValue(f"`type` is one of {', '.join(TYPES)}.")
    scale = _number(known.pop("dpr", "1"), "dpr", 1, 4)
    resize = next((name for name in RESIZES if name in known), None)
    width, height = _sides(resize, known.pop(resize), scale) if resize else (None, None)
    crop, hotspot = known.pop("crop", None), known.pop("hs", None)
    background, quality = known.pop("bg", None), _number(known.pop("q", str(QUALITY)), "q", 0, 100)
    if known:
        raise InvalidValue(f"Nobody reads {min(known)[:60]!r}.")
    return Transform(
        kind, resize, width, height, _pair(crop, "crop"), _pair(hotspot, "hs") or (0.5, 0.5), _colour(background), round(quality)
    )


def _number(text: str, name: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidValue(f"`{name}` is a number from {least:g} to {most:g}.")
    return number


def _sides(resize: str, text: str, scale: float) -> tuple[int | None, int | None]:
    parts = text.split(",")
    sides = [min(round(_number(part, resize, 1, LARGEST) * scale), LARGEST) for part in parts]
    if len(sides) == 1 and resize in ("width", "height"):
        return (sides[0], None) if resize == "width" else (None, sides[0])
    if len(sides) != 2:
        raise InvalidValue(f"`{resize}` is a width and a height.")
    return sides[0], sides[1]


def _pair(text: str | None, name: str) -> tuple[float, float] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2:
        raise InvalidValue(f"`{name}` is two numbers from 0 to 1.")
    return _number(parts[0], name, 0, 1), _number(parts[1], name, 0, 1)


def _colour(text: str | None) -> str | None:
    if text in (None, "transparent"):
        return None
    colour = "ffffff" if text == "white" else str(text).lower()
    if len(colour) != 6 or not set(colour) <= set("0123456789abcdef"):
        raise InvalidValue("`bg` is white, transparent or six hexadecimal digits.")
    return f"#{colour}"


def transform(data: bytes, wanted: Transform, pixels: int) -> bytes:
    """Return an image made of another. Raises InvalidFile."""
    try:
        with Image.open(BytesIO(data)) as image:
            _check_pixels(image, pixels)
            made = ImageOps.exif_transpose(image).convert("RGBA")
    except UNREADABLE as error:
        raise InvalidFile("This is no image that can be read.") from error
    made = _resized(_cropped(made, wanted), wanted)
    if wanted.background or wanted.type == "jpg":
        ground = Image.new("RGBA", made.size, wanted.background or "#ffffff")
        made = Image.alpha_composite(ground, made)
    held = BytesIO()
    (made.convert("RGB") if wanted.type == "jpg" else made).save(held, TYPES[wanted.type], quality=wanted.quality)
    return held.getvalue()


def _cropped(image: Image.Image, wanted: Transform) -> Image.Image:
    if wanted.crop is None:
        return image
    width, height = (max(1, round(side * part)) for side, part in zip(image.size, wanted.crop, strict=True))
    left = min(max(round(image.width * wanted.hotspot[0] - width / 2), 0), image.width - width)
    top = min(max(round(image.height * wanted.hotspot[1] - height / 2), 0), image.height - height)
    return image.crop((left, top, left + width, top + height))


def _resized(image: Image.Image, wanted: Transform) -> Image.Image:
    if wanted.resize is None:
        return image
    width = wanted.width or max(1, round(image.width * (wanted.height or 1) / image.height))
    height = wanted.height or max(1, round(image.height * width / image.width))
    size = (min(width, LARGEST), min(height, LARGEST))
    match wanted.resize:
        case "fit":
            return ImageOps.contain(image, size)
        case "fill":
            return ImageOps.fit(image, size, centering=wanted.hotspot)
        case _:
            return image.resize(size)
