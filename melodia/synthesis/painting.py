"""Signs with their readings -> frames of sound, by a voice's painter."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.hertz import hertz_of
from melodia.synthesis.analysis import HIGHEST_HZ, LOWEST_HZ, Floats, Sound
from melodia.synthesis.layout import PITCH, contour, lay_out
from melodia.synthesis.model import OCTAVE, Voice


@torch.no_grad()
def paint(voice: Voice, heard: Tensor, readings: Floats, counts: NDArray[np.int64], sung: NDArray[np.bool_] | None = None) -> Sound:
    """Frames of a sentence.

    Args:
        voice: whose.
        heard: (1, signs, features), of its reader.
        readings: (signs, READ).
        counts: (signs,) frames of each.
        sung: (signs,) which have a pitch whatever the painter thinks; None leaves it to the painter.
    """
    layout, line = lay_out(counts), contour(readings[:, PITCH], counts)

    def on(rows: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(rows))[None].to(heard.device)

    frames = torch.tensor([len(line)], device=heard.device)
    painted = voice.picture(
        heard, voice.standard("readings", on(readings)), on(layout.sign_of), on(layout.places), on(line), frames
    )
    bands = voice.plain("bands", painted.bands)[0].cpu().numpy()
    hiss = voice.plain("hiss", painted.hiss)[0].cpu().numpy()
    voiced = (painted.voiced[0] > 0).cpu().numpy()
    if sung is not None:
        voiced |= np.repeat(sung, counts)
    hertz = hertz_of(line + OCTAVE * painted.bend[0].cpu().numpy())
    pitch = np.where(voiced, np.clip(hertz, LOWEST_HZ, HIGHEST_HZ), 0).astype(np.float32)
    return Sound(bands, np.where(voiced[:, None], np.minimum(hiss, 0), 0).astype(np.float32), pitch)
