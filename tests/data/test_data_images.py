"""read_digit: MNIST's own digits, made into pictures, come back."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from chainrule.data import read_digit
from chainrule.errors import InputError, MissingExtraError, StorageError

COUNT = 50


def picture_of(pixels, rng, *, factor=8, ink=0, paper=255):
    """A digit enlarged and put somewhere on a larger sheet: uint8 (h, w)."""
    large = np.kron(pixels.astype(float) / 255, np.ones((factor, factor)))
    spare = rng.integers(20, 150, 2)
    sheet = np.zeros(large.shape + spare)
    top, left = rng.integers(0, spare)
    sheet[top : top + large.shape[0], left : left + large.shape[1]] = large
    return (paper + (ink - paper) * sheet).round().astype(np.uint8)


def correlations(images, files):
    pairs = ((x.reshape(28, 28), read_digit(f)) for x, f in zip(images, files, strict=True))
    return np.array([np.corrcoef(x.ravel(), d.ravel())[0, 1] for x, d in pairs])


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp"])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (60, 170)])
def test_digits_come_back(digits, tmp_path, ending, ink, paper):
    rng = np.random.default_rng(0)
    images = digits[1][0][:COUNT].reshape(-1, 28, 28)
    files = [tmp_path / f"{i}.{ending}" for i in range(COUNT)]
    for pixels, file in zip(images, files, strict=True):
        Image.fromarray(picture_of(pixels, rng, ink=ink, paper=paper)).save(file)
    found = correlations(images, files)
    assert found.mean() > 0.95
    assert found.min() > 0.5  # a centre of mass between two pixels may go either way


def test_mnist_itself_comes_back(digits, tmp_path):
    images = digits[1][0][:COUNT]
    files = [tmp_path / f"{i}.png" for i in range(COUNT)]
    for pixels, file in zip(images, files, strict=True):
        Image.fromarray(pixels.reshape(28, 28)).save(file)
    assert correlations(images, files).mean() > 0.95


def test_photographs_come_back(digits, tmp_path):
    """Grey paper, light from one side, noise, three specks of dust."""
    rng = np.random.default_rng(0)
    images = digits[1][0][:10]
    files = [tmp_path / f"{i}.jpg" for i in range(10)]
    for pixels, file in zip(images, files, strict=True):
        sheet = picture_of(pixels.reshape(28, 28), rng, factor=20, ink=50, paper=180) / 255
        sheet *= np.linspace(0.7, 1, sheet.shape[1]) + rng.normal(0, 0.02, sheet.shape)
        for top, left in rng.integers(0, 500, (3, 2)):
            sheet[top : top + 4, left : left + 4] = 0.2
        Image.fromarray((255 * sheet.clip(0, 1)).astype(np.uint8)).save(file)
    assert correlations(images, files).mean() > 0.85


def drawing(size=(90, 60), colour="black", background="white", mode="RGB"):
    picture = Image.new(mode, size, background)
    ImageDraw.Draw(picture).line([(20, 50), (60, 8)], fill=colour, width=5)
    return picture


def digit_of(picture, kind="PNG"):
    file = io.BytesIO()
    picture.save(file, kind)
    file.seek(0)
    return read_digit(file)


def test_shape_range_size_and_centre():
    digit = digit_of(drawing())
    assert digit.shape == (28, 28)
    assert digit.dtype == np.float32
    assert digit.min() == 0
    assert 0.9 < digit.max() <= 1
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for axis in (0, 1):
        centre = digit.sum(1 - axis) @ np.arange(28) / digit.sum()
        assert abs(centre - 14) <= 0.5 + 1e-6


@pytest.mark.parametrize(
    "picture",
    [
        drawing(colour="white", background="black"),
        drawing(colour="navy", background="yellow"),
        drawing(mode="L"),
        drawing(mode="1", colour=0, background=1),
        drawing(mode="RGBA"),
        drawing(mode="RGBA", background=(0, 0, 0, 0)),
        drawing(mode="RGBA", colour="white", background=(255, 255, 255, 0)),
        drawing().convert("P"),
        Image.fromarray(np.asarray(drawing(mode="L"), np.uint16) * 257),
    ],
    ids=["inverted", "colour", "L", "1", "RGBA", "transparent", "white on nothing", "P", "16 bit"],
)
def test_any_mode_and_polarity(picture):
    np.testing.assert_allclose(digit_of(picture), digit_of(drawing()), atol=0.05)


def test_the_way_the_camera_was_held():
    turned = drawing().transpose(Image.Transpose.ROTATE_90)
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    turned.save(file, "PNG", exif=exif)
    file.seek(0)
    np.testing.assert_allclose(read_digit(file), digit_of(drawing()), atol=0.05)


def test_floats_and_extreme_shapes():
    as_floats = Image.fromarray(np.asarray(drawing(mode="L"), np.float32) / 255)
    np.testing.assert_allclose(digit_of(as_floats, "TIFF"), digit_of(drawing()), atol=0.05)
    bar = Image.new("L", (300, 9), "white")
    ImageDraw.Draw(bar).line([(10, 4), (280, 4)], fill="black")
    assert digit_of(bar).any(0).sum() == 20
    dot = Image.new("L", (5, 5))
    dot.putpixel((2, 2), 255)
    assert digit_of(dot).sum() > 100  # one pixel fills the box
    corner = Image.new("L", (40, 40))
    ImageDraw.Draw(corner).polygon([(2, 2), (37, 2), (2, 37)], fill=255)
    assert digit_of(corner).shape == (28, 28)


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (1, 400)])
@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_no_ink(size, colour):
    with pytest.raises(InputError, match="no ink in it"):
        digit_of(Image.new("RGB", size, colour))


def test_an_empty_sheet_with_noise_and_one_that_is_all_transparent():
    noise = np.random.default_rng(0).normal(200, 3, (100, 100)).astype(np.uint8)
    with pytest.raises(InputError, match="no ink in it"):
        digit_of(Image.fromarray(noise))
    with pytest.raises(InputError, match="no ink in it"):
        digit_of(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))


def test_not_a_picture(tmp_path):
    path = tmp_path / "digit.png"
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"digit\.png.* is not a picture"):
            read_digit(path)
    with pytest.raises(InputError, match="path must be"):
        read_digit(3)
    with pytest.raises(StorageError, match="there is no file"):
        read_digit(tmp_path / "other.png")


def test_a_truncated_picture(tmp_path):
    path = tmp_path / "digit.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (200, 200), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_digit(path)


def test_a_picture_without_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda source, formats: Image.new("L", (0, 3)))
    (tmp_path / "x.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"has no pixels: its size is \(0, 3\)"):
        read_digit(tmp_path / "x.png")


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[cli\]'"):
        read_digit(io.BytesIO())
