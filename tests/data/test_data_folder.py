"""Folders of pictures, one for each class."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from chainrule.data import Limits, load
from chainrule.errors import InputError, StorageError


@pytest.fixture
def animals(tmp_path):
    """Two cats and a dog, grey, 4 pixels wide and 3 high."""
    for i, name in enumerate(("cat/a", "cat/b", "dog/a")):
        path = tmp_path / "animals" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(10 * i).save(path)
    return tmp_path / "animals"


def picture(first, shape=(3, 4)):
    pixels = first + np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    return Image.fromarray(pixels)


def test_folders_are_classes(animals):
    (animals / ".DS_Store").write_bytes(b"x")
    (animals / "cat" / "Thumbs.db").write_bytes(b"x")
    data = load(animals)
    assert data.classes == ("cat", "dog")
    assert data.y.tolist() == [0, 0, 1]
    assert data.X.dtype == np.float32
    np.testing.assert_array_equal(data.X[2], np.float32(20 + np.arange(12)) / np.float32(255))


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm"])
def test_formats(animals, ending):
    picture(60).save(animals / "dog" / f"b.{ending}")
    pixels = load(animals).X[3].reshape(12, -1)  # GIF and WebP have colours
    np.testing.assert_allclose(pixels[:, 0], (60 + np.arange(12)) / 255, atol=0.04)


def test_folders_named_by_numbers(animals):
    for new, old in ((10, "cat"), (9, "dog")):
        (animals / old).rename(animals / str(new))
    assert load(animals).classes == (9, 10)
    assert load(animals, task="regression").y.tolist() == [10, 10, 9]
    assert load(animals, classes=range(20)).y.tolist() == [10, 10, 9]


def test_train_and_test(animals, tmp_path):
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "set" / part / name
            folder.mkdir(parents=True)
            picture(100 if part == "test" else 0).save(folder / "a.png")
    train, test = load(tmp_path / "set"), load(tmp_path / "set", part="test")
    assert train.X[0, 0] == 0
    assert test.X[0, 0] == np.float32(100) / np.float32(255)
    with pytest.raises(InputError, match="no test part"):
        load(animals, part="test")


def test_colours_make_all_of_them_colours(animals):
    red = np.zeros((3, 4, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(animals / "dog" / "b.png")
    X = load(animals).X.reshape(4, 3, 4, 3)
    assert X[3, 0, 0].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(X[0, ..., 0], X[0, ..., 2])  # grey


def test_transparency_lies_on_white(animals):
    clear = Image.new("RGBA", (4, 3), (0, 0, 0, 0))
    clear.save(animals / "dog" / "b.png")
    assert (load(animals).X[3] == 1).all()


def test_the_way_the_camera_was_held(animals):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(animals / "dog" / "b.png", exif=exif)
    assert load(animals).X.shape == (4, 12)


def spoil(kind, animals):
    dog = animals / "dog"
    if kind == "size":
        picture(0, (3, 5)).save(dog / "b.png")
    elif kind == "text":
        (dog / "notes.txt").write_text("x")
    elif kind == "deeper":
        (dog / "more").mkdir()
    elif kind == "empty":
        (animals / "eel").mkdir()
    elif kind == "loose":
        picture(0).save(animals / "a.png")
    elif kind == "deep":
        Image.fromarray(np.zeros((3, 4), np.uint16)).save(dog / "b.png")
    elif kind == "broken":
        (dog / "b.png").write_bytes((dog / "a.png").read_bytes()[:45])
    else:
        (dog / "b.png").write_bytes(b"hello")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "size",
            r"b\.png' has 5×3 pixels, but .* 4×3: .*ImageOps\.fit\(picture, \(4, 3\)\)",
        ),
        ("text", "must hold pictures .* and nothing else, got 'notes.txt'"),
        ("deeper", "and nothing else, got 'more'"),
        ("empty", "eel' must hold pictures .*, got none"),
        ("loose", "a folder of pictures for each class, got 'a.png' outside of them"),
        ("deep", "has more than 8 bits a channel"),
        ("broken", "b.png' cannot be read as a picture"),
        ("other", "b.png' is not a picture"),
    ],
)
def test_folders_that_are_refused(animals, kind, message):
    spoil(kind, animals)
    with pytest.raises(InputError, match=message):
        load(animals)


def test_arguments_and_limits(animals):
    with pytest.raises(
        InputError, match=r"the folders in .* name the classes, so leave target out"
    ):
        load(animals, "cat")
    with pytest.raises(InputError, match="separator= is for"):
        load(animals, separator=";")
    with pytest.raises(StorageError, match="has 3 rows, more than the limit of 2"):
        load(animals, limits=Limits(rows=2))
    with pytest.raises(StorageError, match="has 12 pixels, more than the limit of 11"):
        load(animals, limits=Limits(pixels=11))
    with pytest.raises(StorageError, match="needs 144 bytes, more than the limit of 143"):
        load(animals, limits=Limits(bytes=143))
    with pytest.raises(InputError, match=r"is 'cat', which is not one of the 2 classes"):
        load(animals, classes=("dog", "eel"))
