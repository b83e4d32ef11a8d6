"""Landscapes that no camera took: sky, sun, hills, water and trees, drawn anew for every seed."""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# Sky from the top to the horizon, the sun, the hills from far to near, the water (or none).
_PALETTES = (
    (("#2f6fb5", "#a9d3ef"), "#fff6d8", ("#8fb0c4", "#5f8f6e", "#2f5f34"), "#4f89b5"),  # a clear noon
    (("#27305f", "#f0955a", "#ffd59a"), "#fff0c0", ("#8a5a72", "#53365a", "#251c38"), "#c9765a"),  # a sunset
    (("#6fa8dc", "#dcecf7"), "#ffffff", ("#c9d8e6", "#9fb7cf", "#f2f6fa"), None),  # snow
    (("#3b8fc7", "#c8e6ee"), "#fffbe6", ("#b7c9a0", "#7ba05b", "#4a7a35"), None),  # meadows
    (("#0b1030", "#26305e", "#454a78"), "#e8ecff", ("#20264a", "#151a38", "#0b0e22"), "#1b2450"),  # a night
    (("#8c9aa6", "#d5dade"), "#f4f4f0", ("#9aa5a8", "#6c7a78", "#3f4c48"), "#93a2aa"),  # an overcast day
    (("#4aa3d8", "#e6f2ea"), "#fffdf0", ("#e2c48d", "#d4a862", "#b98744"), None),  # dunes
    (("#7a5aa0", "#f2a7b5", "#ffe3c9"), "#fff3dc", ("#a98bb5", "#6d6394", "#36385f"), "#b08bb0"),  # a dawn
)


def landscape(seed, size=(1600, 1067)):
    """Return the landscape of this seed as an image; neighbouring seeds have other palettes."""
    random = np.random.default_rng(seed)
    width, height = size
    sky, sun, hills, water = _PALETTES[seed % len(_PALETTES)]
    horizon = random.uniform(0.48, 0.66)
    picture = _sky(sky, width, height, horizon)
    _sun(picture, sun, random, horizon, low=len(sky) > 2)
    _clouds(
        picture, random, horizon, strength=0.2 if seed % len(_PALETTES) == 4 else random.uniform(0.35, 0.9)
    )
    ridges = [_ridge(random, width, height, horizon, number) for number in range(len(hills))]
    for number, (ridge, colour) in enumerate(zip(ridges, hills, strict=True)):
        if water and number == len(hills) - 1:
            _water(picture, water, random, horizon + 0.1)
        _hill(picture, ridge, colour, hills[0], random)
        if number == 1 and seed % len(_PALETTES) in (0, 3, 5):
            _trees(picture, ridge, hills[-1], random)
    grain = random.normal(0, 2.2, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def jpeg(seed, size=(1600, 1067), taken=None):
    """Return the landscape of this seed as a JPEG file's bytes."""
    file = io.BytesIO()
    picture = landscape(seed, size)
    tags = picture.getexif()
    if taken:
        tags[0x0132] = taken
        tags[0x010F], tags[0x0110] = "Nobody", "Drawn 1"
    picture.save(file, "JPEG", quality=88, exif=tags.tobytes() if taken else b"")
    return file.getvalue()


@cache
def _rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], float)


def _hex(rgb):
    return tuple(int(round(value)) for value in np.clip(rgb, 0, 255))


def _sky(colours, width, height, horizon):
    stops = np.linspace(0, horizon, len(colours))
    levels = np.linspace(0, 1, height)
    column = np.stack([np.interp(levels, stops, [_rgb(c)[i] for c in colours]) for i in range(3)], axis=1)
    return Image.fromarray(np.repeat(column[:, None, :], width, axis=1).astype(np.uint8))


def _sun(picture, colour, random, horizon, low):
    width, height = picture.size
    x = random.uniform(0.15, 0.85) * width
    y = (horizon - random.uniform(0.05, 0.13) if low else random.uniform(0.1, 0.25)) * height
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot(columns - x, rows - y) / height
    glow = 0.75 * np.exp(-((distance / 0.16) ** 1.2)) + (distance < 0.036)
    _blend(picture, _rgb(colour), np.clip(glow, 0, 1))


def _clouds(picture, random, horizon, strength):
    width, height = picture.size
    field = np.zeros((height, width))
    for octave, weight in ((3, 1.0), (6, 0.55), (12, 0.3), (24, 0.18), (48, 0.1)):
        # Flattened noise: clouds are wider than they are high.
        coarse = Image.fromarray((random.random((octave * 2, octave)) * 255).astype(np.uint8))
        field += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) / 255
    field = (field - field.mean()) / field.std()
    fade = np.clip((horizon - np.linspace(0, 1, height)) / horizon, 0, 1)[:, None] ** 0.5
    _blend(picture, _rgb("#fbf7f4"), np.clip((field - 0.35) * 0.55, 0, 0.85) * fade * strength)


def _ridge(random, width, height, horizon, number):
    """Return the height of a ridge in every column: waves for far hills, rougher ones nearby."""
    x = np.linspace(0, 1, width)
    base = horizon + (-0.02, 0.075, 0.24)[number]
    line = np.full(width, base)
    for power in range(1, 9):
        size = (0.075, 0.05, 0.045)[number] / power**1.15
        line += size * np.sin(2 * np.pi * (x * power * random.uniform(0.5, 1.1) + random.random()))
    return line * height


def _hill(picture, ridge, colour, far, random):
    width, height = picture.size
    depth = (np.arange(height)[:, None] - ridge[None, :]) / height
    # The further down, the nearer: a little darker, and rough like grass or rock.
    small = Image.fromarray((random.random((height // 5, width // 3)) * 255).astype(np.uint8))
    rough = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR), float) / 255 - 0.5
    shade = 1.06 - 0.5 * np.clip(depth, 0, 0.5) + 0.16 * rough
    haze = np.exp(-np.clip(depth, 0, 1) * 26) * 0.35
    colours = _rgb(colour) * shade[..., None] * (1 - haze[..., None]) + _rgb(far) * haze[..., None]
    _blend(picture, colours, np.clip(depth * height + 0.5, 0, 1))


def _water(picture, colour, random, level):
    width, height = picture.size
    top = int(level * height)
    mirrored = np.asarray(picture)[max(0, 2 * top - height) : top][::-1].astype(float)
    rows = min(len(mirrored), height - top)
    waves = Image.fromarray((random.random((max(2, rows // 3), max(2, width // 60))) * 255).astype(np.uint8))
    waves = np.asarray(waves.resize((width, rows), Image.Resampling.BICUBIC), float)[..., None] / 255 - 0.5
    surface = 0.5 * mirrored[:rows] + 0.5 * _rgb(colour) + 34 * waves
    whole = np.asarray(picture).copy()
    whole[top : top + rows] = np.clip(surface, 0, 255)
    picture.paste(Image.fromarray(whole))


def _trees(picture, ridge, colour, random):
    width, height = picture.size
    layer = Image.new("L", picture.size)
    draw = ImageDraw.Draw(layer)
    for x in sorted(random.integers(0, width, 90)):
        tall = random.uniform(0.02, 0.055) * height
        foot = ridge[x] + 0.012 * height
        for step in range(4):
            wide = tall * (0.1 + 0.085 * step)
            top = foot - tall * (1 - 0.24 * step)
            draw.polygon([(x, top), (x - wide, top + tall * 0.36), (x + wide, top + tall * 0.36)], fill=235)
    _blend(picture, _rgb(colour) * 0.8, np.asarray(layer.filter(ImageFilter.GaussianBlur(0.7)), float) / 255)


def _blend(picture, colour, amount):
    mixed = np.asarray(picture) * (1 - amount[..., None]) + colour * amount[..., None]
    picture.paste(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)))
