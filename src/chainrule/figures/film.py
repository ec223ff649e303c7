"""How the weights evolve, as a moving picture: kept while it trains, drawn at the end."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.atomic import as_path, replace_atomically
from chainrule.checks import check_choice
from chainrule.errors import InputError, MissingExtraError
from chainrule.figures.signed import add_scale, image_shape_of, limit_of, show_signed, tile
from chainrule.figures.style import THEMES, Theme, bare, canvas, in_few_colors
from chainrule.figures.weights import first_matrix, unit_pictures
from chainrule.train import Callback, Training

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Film"]

_FRAMES = 60
_UNITS = 32
_ACROSS = 8
_LOOKS_PER_EPOCH = 40
_MILLISECONDS = 120
_LAST_MILLISECONDS = 2500
_DPI = 110
_MOST_BYTES = 5_000_000


class Film(Callback):
    """Keeps the weights into 32 hidden units at some sixty steps, within epochs too and denser at
    the start, where they change most, and writes a GIF of them when training ends.

    A resumed run goes on with the frames of its checkpoint.

    Args:
        path: the file, `.gif`; an older one is replaced when the new one is complete.
        theme: "light" or "dark".

    Raises:
        MissingExtraError: Pillow is not installed.
        InputError: the path ends in something else, or an unknown theme.

    >>> import tempfile
    >>> from chainrule import Network, fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Film(f"{folder}/weights.gif")
    ...     _ = fit(Network.from_spec("64-4-2"), np.eye(64), np.arange(64) % 2, callbacks=[film])
    ...     film.steps[0], film.steps[-1], film.path.stat().st_size < 5e6
    (0, 10, True)
    """

    def __init__(self, path: str | os.PathLike[str], theme: str = "light") -> None:
        try:
            import PIL.Image  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("pillow", "an animation", "figures") from error
        self.path = as_path(path)
        if self.path.suffix != ".gif":
            raise InputError(f"an animation ends in .gif, got {str(path)!r}")
        check_choice(theme, "theme", tuple(THEMES))
        self.theme = theme
        self.reset()

    def reset(self) -> None:
        self.steps: list[int] = []
        self._frames: list[np.ndarray] = []
        self._name = ""

    # --- while it trains --------------------------------------------------------------------

    def on_train_begin(self, training: Training) -> None:
        self._name = first_matrix(training.net)
        self.every = max(1, training.steps_per_epoch // _LOOKS_PER_EPOCH)
        if not self.steps:
            self._keep(training)

    def on_step_end(self, training: Training) -> None:
        # The k-th frame is due when k² sixtieths of sixtieths of the way are behind.
        total = training.epochs * training.steps_per_epoch
        if training.step >= total * (len(self.steps) / _FRAMES) ** 2:
            self._keep(training)

    def on_train_end(self, training: Training) -> None:
        if self.steps[-1] != training.step:
            self._keep(training)
        self.write(training)

    def state(self) -> dict[str, Any]:
        return {"steps": list(self.steps), "frames": np.array(self._frames)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.steps = list(state["steps"])
        self._frames = list(state["frames"])

    def _keep(self, training: Training) -> None:
        matrix = training.net[self._name]
        self.steps.append(training.step)
        self._frames.append(matrix.reshape(len(matrix), -1)[:, :_UNITS].astype(np.float32))

    # --- the picture ------------------------------------------------------------------------

    def write(self, training: Training) -> None:
        """Draw the frames kept so far and write them to `path`."""
        shape = image_shape_of(training.net.input_shape)
        if shape is not None and np.prod(shape) != len(self._frames[0]):
            shape = None
        images = self._draw(shape, training.steps_per_epoch)
        data = _gif(images, THEMES[self.theme])
        while len(data) > _MOST_BYTES and len(images) > 2:
            images = [*images[:-1:2], images[-1]]
            data = _gif(images, THEMES[self.theme])
        replace_atomically(self.path, lambda file: file.write(data))

    def _draw(self, shape: tuple[int, int] | None, steps_per_epoch: int) -> list[Image]:
        """One drawing; of each frame only the weights and the title are drawn anew."""
        from PIL import Image

        frames = [np.asarray(frame, np.float32) for frame in self._frames]
        limit = limit_of(frames[0], frames[-1])
        across = min(_ACROSS, frames[0].shape[1])
        with canvas(*self._size(shape, frames[0], across), self.theme) as (figure, look):
            figure.set_dpi(_DPI)
            axes = figure.subplots()
            gaps, values = _laid_out(frames[-1], shape, across)
            picture = show_signed(axes, values, limit, look, gaps)
            bare(axes)
            if shape is None:
                axes.set(xlabel="unit", ylabel="input")
            title = axes.set_title(_title(self.steps[-1], steps_per_epoch))
            add_scale(figure, picture, [axes], self._name, frames)
        agg: Any = figure.canvas
        for artist in (picture, title):
            artist.set_animated(True)
        agg.draw()
        background = agg.copy_from_bbox(figure.bbox)
        images = []
        for step, frame in zip(self.steps, frames, strict=True):
            gaps, values = _laid_out(frame, shape, across)
            agg.restore_region(background)
            hidden = gaps | ~np.isfinite(values)
            picture.set_data(np.ma.masked_array(values, hidden))
            title.set_text(_title(step, steps_per_epoch))
            axes.draw_artist(picture)
            axes.draw_artist(title)
            images.append(Image.fromarray(np.array(agg.buffer_rgba())[..., :3]))
        return images

    def _size(
        self, shape: tuple[int, int] | None, frame: np.ndarray, across: int
    ) -> tuple[float, float]:
        if shape is None:
            return 5.6, 3.2
        down = -(-frame.shape[1] // across)
        return 5.6, 4.7 * down / across * shape[0] / shape[1] + 0.45


def _laid_out(
    frame: np.ndarray, shape: tuple[int, int] | None, across: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gaps and values of a frame: tiles, or the matrix as it is."""
    if shape is None:
        return np.zeros(frame.shape, bool), frame
    tiles = tile(unit_pictures(frame, shape), across)
    return tiles.gaps, tiles.values


def _title(step: int, steps_per_epoch: int) -> str:
    return f"epoch {step / steps_per_epoch:.2f}   step {step:,}"


def _gif(images: list[Image], look: Theme) -> bytes:
    frames = [in_few_colors(image, look) for image in images]
    file = io.BytesIO()
    durations = [_MILLISECONDS] * (len(frames) - 1) + [_LAST_MILLISECONDS]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return file.getvalue()
