"""The film of the weights: what is in it, and that a run that was stopped goes on with it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from samples import digits

import chainrule as cr
from chainrule.figures import Film
from chainrule.figures.style import SIGNED


def train(folder, *callbacks, epochs=3, **kwargs):
    X, y = digits()
    net = cr.Network.from_spec("64-16-10")
    film = Film(folder / "weights.gif")
    cr.fit(net, X, y, epochs=epochs, batch_size=4, callbacks=[film, *callbacks], **kwargs)
    return film, net


def test_it_begins_with_the_first_weights_ends_with_the_last_and_is_denser_at_the_start(tmp_path):
    film, net = train(tmp_path)
    assert film.steps[0] == 0
    assert film.steps[-1] == 3 * 90
    assert len(film.steps) > 40
    gaps = np.diff(film.steps)
    assert gaps[:5].max() <= 2 < gaps[-5:].min()
    first = cr.Network.from_spec("64-16-10")["W1"]
    np.testing.assert_allclose(film._frames[0], first, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(film._frames[-1], net["W1"], rtol=1e-3, atol=1e-6)


def test_the_file_is_a_small_animation_in_the_colours_of_the_scale(tmp_path):
    film, net = train(tmp_path)
    assert film.path.stat().st_size < 5e6
    with Image.open(film.path) as gif:
        assert gif.n_frames == len(film.steps)
        assert gif.info["loop"] == 0
        first = np.asarray(gif.convert("RGB"), int)
        gif.seek(gif.n_frames - 1)
        last = np.asarray(gif.convert("RGB"), int)
    assert (first != last).any()
    # The largest weight is drawn in its colour.
    matrix = net["W1"]
    wanted = 255 * np.array(SIGNED(1.0 if matrix.flat[np.abs(matrix).argmax()] > 0 else 0.0)[:3])
    assert np.abs(last - wanted.round()).sum(axis=2).min() <= 6


def test_a_run_that_was_stopped_goes_on_with_its_film(tmp_path):
    class Stop(cr.Callback):
        def on_step_end(self, training):
            if training.step == 100:
                training.stop("test")

    constant = {"optimizer": "sgd(0.1)"}  # the default's schedule depends on the last epoch
    whole, _ = train(tmp_path, **constant)
    saved = tmp_path / "run.safetensors"
    train(tmp_path, Stop(), cr.Checkpoint(saved), epochs=3, **constant)
    resumed, _ = train(tmp_path, cr.Checkpoint(saved), resume=saved, epochs=4, **constant)
    again, _ = train(tmp_path, epochs=4, **constant)
    assert [s for s in resumed.steps if s < 100] == [s for s in whole.steps if s < 100]
    assert resumed.steps[-1] == 4 * 90
    np.testing.assert_array_equal(resumed._frames[-1], again._frames[-1])


def test_filming_does_not_change_the_training(tmp_path):
    X, y = digits()
    plain = cr.Network.from_spec("64-16-10")
    cr.fit(plain, X, y, epochs=3, batch_size=4)
    _, filmed = train(tmp_path)
    np.testing.assert_array_equal(plain.params, filmed.params)


def test_features_are_filmed_as_a_matrix(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 9))
    film = Film(tmp_path / "w.gif", theme="dark")
    cr.fit(cr.Network.from_spec("9-5-2"), X, np.arange(30) % 2, epochs=2, callbacks=[film])
    with Image.open(film.path) as gif:
        corner = np.asarray(gif.convert("RGB"))[0, 0]
    assert corner.tolist() == [0x15, 0x18, 0x1C]


def test_large_weights_stay_numbers(tmp_path):
    X, y = digits()
    film = Film(tmp_path / "w.gif")
    net = cr.Network.from_spec("64-16-10")
    net["W1"][:] = 3e7
    cr.fit(net, X, y, epochs=1, callbacks=[film])
    assert film._frames[0].max() == pytest.approx(3e7)
    assert np.isfinite(film._frames).all()


def test_only_gif_is_written(tmp_path):
    with pytest.raises(cr.InputError, match=r"ends in \.gif, got"):
        Film(tmp_path / "weights.mp4")
