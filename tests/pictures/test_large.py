"""Large pictures are decoded and made small piece by piece, and look as if they had been taken whole."""

import io
import multiprocessing
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from labels.pictures import decoding, memory, one_large, png_strips, redrawing, shrinking
from tests import factory

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))
LEVELS = st.sampled_from([0, 1, 9])


def _picture(mode, size, seed):
    """Return a picture whose rows PNG encoders store by different filters: noise, a gradient and a plane."""
    noise = Image.open(factory.noise(size, seed, format="BMP"))
    noise.paste(Image.linear_gradient("L").resize(size), (size[0] // 3, 0))
    noise.paste((200, 30, 30), (size[0] // 2, size[1] // 2, *size))
    if "A" not in mode:
        return noise.convert(mode)
    noise.putalpha(Image.radial_gradient("L").resize(size))
    return noise.convert(mode)


def _png(picture, **options):
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file


@given(
    mode=st.sampled_from(["RGB", "RGBA", "LA"]),
    size=SIZES,
    seed=st.integers(0, 5),
    level=LEVELS,
    strip=st.integers(1, 4000),
    multiple=st.integers(1, 9),
)
def test_strips_show_what_the_whole_shows(mode, size, seed, level, strip, multiple):
    picture = _picture(mode, size, seed)
    file, shown, top = _png(picture, compress_level=level), Image.new(mode, size), 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png_strips, "_STRIP_BYTES", strip)
        for part in png_strips.strips(file, multiple):
            shown.paste(part, (0, top))
            top += part.height

    assert top == size[1]
    assert shown.tobytes() == picture.tobytes()


def _sixteen_bits(width, height, channels, filter_type):
    """Return a PNG of 16-bit values, all rows filtered in one way."""
    kind = {2: 4, 3: 2, 4: 6}[channels]
    row = factory.random.Random(filter_type).randbytes(2 * channels * width)
    data = zlib.compress((bytes([filter_type]) + row) * height)
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", data[:50]), (b"IDAT", data[50:]), (b"IEND", b""))
    out = png_strips.SIGNATURE
    for name, body in chunks:
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return io.BytesIO(out)


@pytest.mark.parametrize("filter_type", range(5))
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bits_are_shown_by_their_upper_eight(channels, filter_type, monkeypatch):
    monkeypatch.setattr(png_strips, "_STRIP_BYTES", 700)
    file = _sixteen_bits(31, 20, channels, filter_type)

    parts = list(png_strips.strips(file))

    whole = Image.open(file)
    assert b"".join(part.tobytes() for part in parts) == whole.convert(parts[0].mode).tobytes()
    assert len(parts) > 3


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-200], id="its end is missing"),
        pytest.param(lambda content: content[:4000] + bytes(8) + content[4008:], id="overwritten"),
        pytest.param(lambda content: content.replace(b"IDAT", b"inTa"), id="no picture data"),
    ],
)
def test_a_damaged_png_is_found_out_in_strips_too(damage, monkeypatch):
    monkeypatch.setattr(memory, "PNG_WHOLE", 0)
    file = io.BytesIO(damage(_png(_picture("RGB", (90, 90), 1)).getvalue()))
    with pytest.raises(decoding.BrokenPicture):
        redrawing.upright(file)


MODES = ["RGB", "RGBA", "LA", "L", "P", "1", "CMYK", "I;16"]


@pytest.mark.parametrize("size", [(3000, 1500), (1500, 3001), (9000, 40)], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_a_large_picture_looks_as_if_it_were_small(mode, size, monkeypatch):
    if mode == "I;16":
        picture = (
            Image.linear_gradient("L").resize(size).convert("I").point(lambda v: v * 256).convert("I;16")
        )
    else:
        picture = _picture("RGBA" if mode in ("RGBA", "LA") else "RGB", size, 1).convert(mode)
    file = io.BytesIO()
    picture.save(file, "TIFF" if mode == "CMYK" else "PNG", compress_level=1)
    usual = redrawing.upright(file)

    monkeypatch.setattr(shrinking, "_SMALL_PIXELS", 0)
    monkeypatch.setattr(shrinking, "_STRIP_PIXELS", 100_000)
    monkeypatch.setattr(memory, "PNG_WHOLE", 0)
    large = redrawing.upright(file)

    assert large.size == usual.size
    assert ImageStat.Stat(ImageChops.difference(large, usual)).mean < [2] * 3


def test_a_large_png_keeps_its_profile_and_is_turned_wherever_its_exif_stands(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = _png(
        Image.new("RGB", (80, 40), (200, 0, 0)), exif=exif.tobytes(), icc_profile=b"none"
    ).getvalue()
    at = content.index(b"eXIf") - 4
    end = at + 12 + int.from_bytes(content[at : at + 4])
    behind = content[:at] + content[end:-12] + content[at:end] + content[-12:]
    monkeypatch.setattr(memory, "PNG_WHOLE", 0)

    for data in (content, behind):
        assert redrawing.upright(io.BytesIO(data)).size == (40, 80)


@pytest.mark.parametrize(
    ("name", "options", "bytes_a_pixel"),
    [
        ("PNG", {}, 4),
        ("BMP", {}, 4),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 65536}, 4.1),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 2**30}, 10),
        ("WEBP", {}, 17.2),
        ("HEIF", {}, 9.2),
        ("JPEG", {}, 1),
        ("JPEG", {"progressive": True}, 7),
    ],
    ids=str,
)
def test_what_decoding_takes_is_known_from_the_header(name, options, bytes_a_pixel):
    file = factory.picture(size=(2600, 2600), format=name, **options)

    needed = memory.needed(decoding.open_picture(file), file, at_least=1280)

    assert bytes_a_pixel * 0.97 < needed / 2600**2 <= bytes_a_pixel


def _take_turn(needed, began, ended):
    with one_large.turn(needed):
        began.set()
        ended.wait(20)


def test_one_large_picture_at_a_time_is_decoded_by_all_processes(tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    fork = multiprocessing.get_context("fork")
    marks = [fork.Event() for _ in range(4)]
    first = fork.Process(target=_take_turn, args=(2**30, marks[0], marks[1]))
    second = fork.Process(target=_take_turn, args=(2**30, marks[2], marks[3]))
    first.start()
    assert marks[0].wait(20)
    second.start()

    with one_large.turn(1000):
        assert not marks[2].wait(0.3)
    # Killed, not finished: its turn ends with it.
    first.kill()

    assert marks[2].wait(20)
    marks[3].set()
    second.join(20)
    assert second.exitcode == 0
