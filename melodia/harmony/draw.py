"""Draws voices of a chorale, one step after another: those that are not given, or all four from a step on.

Rules of voice-leading (`melodia.harmony.rules`) are held to in the draw: each error that a pitch would make takes `strictness` from
the logarithm of its probability, a parallel twice that. The voices that are made stay in the range of a choir, and do not rest.

A piece that is to close ends on the chord of its tonic, with the tonic in the bass. `CANDIDATES` of each take are drawn from
`APPROACH` steps before its end on, and one of them is chosen by how likely the model made that chord, coming from another one: so
music leads to it. Where all four voices are drawn, they never all hold for more than `MOST_STILL` steps and the rest of the beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.harmony.echoes import BEAT, KINDS, Echoing, echoes
from melodia.harmony.model import SIDE_BY_SIDE, Choir
from melodia.harmony.prepare import NUM_VOICES, REST, VOICES, Voices
from melodia.harmony.reading import Facts, Outset, facts
from melodia.harmony.rules import RANGES, cost_of_next
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.lstm import State, selected
from melodia.sampling import SamplingConfig, sample, seed_of

TEMPERATURE, STRICTNESS = 0.6, 2.0  # of harmonising: what is drawn at 1 wanders, as errors lead to others; nats
CANDIDATES, APPROACH = 8, 32
MOST_STILL = 12  # steps: three beats
NO_MOVE = 20.0  # nats that a candidate loses which is on the final chord already


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawConfig:
    """`strictness`: nats that an error costs; 0: none. `pitch_classes`: those that may be made, 0 is C; None: all."""

    count: int = 1
    temperature: float = TEMPERATURE
    strictness: float = STRICTNESS
    random_seed: int = 0
    pitch_classes: frozenset[int] | None = None

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, 1000)
        check_range("temperature", self.temperature, 0, 100)
        check_range("strictness", self.strictness, 0, 100)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is known of a piece before it is drawn.

    `voices`: (steps, 4) pitches that the model knows; those of voices that are not given mean nothing from step `begun` on.
    `given`: whether each voice is. `tonic`: the pitch class at home, or `NO_TONIC`. `closing`: steps of the final chord; 0: none.
    `closes_in`: its tonic; `NO_TONIC`: that of what has been sung.
    """

    voices: Voices
    given: tuple[bool, ...]
    tonic: int = NO_TONIC
    begun: int = 0
    closing: int = 0
    closes_in: int = NO_TONIC


def draw(
    outline: Outline, model: Choir, config: DrawConfig, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Voices]:
    """`config.count` arrays like the outline's, with all four voices, reporting steps done and in all.

    Raises:
        ConfigError: no pitch is left for a voice.
    """
    takes: list[Voices] = []
    steps = len(outline.voices)
    for first in range(0, config.count, SIDE_BY_SIDE):
        rows = min(SIDE_BY_SIDE, config.count - first)
        setting = _Setting(outline, model, config, range(first, first + rows))
        setting.hear()
        for step in range(outline.begun, steps):
            if outline.closing and step == max(outline.begun, steps - APPROACH):
                setting.branch(CANDIDATES)
            setting.step(step)
            progress(step + 1 + first // SIDE_BY_SIDE * steps, -(-config.count // SIDE_BY_SIDE) * steps)
        takes += list(setting.chosen().astype(np.uint8))
    return takes


def triad(tonic: int, pitch_classes: frozenset[int] | None) -> set[int]:
    """The chord of a tonic: major, as chorales in minor end too, unless the key has no major third."""
    third = 3 if pitch_classes is not None and (tonic + 4) % 12 not in pitch_classes else 4
    return {(tonic + interval) % 12 for interval in (0, third, 7)}


class _Setting:
    """Takes that are made side by side."""

    def __init__(self, outline: Outline, model: Choir, config: DrawConfig, takes: range) -> None:
        self.outline, self.model, self.config, self.rows = outline, model, config, len(takes)
        self.device = model.head.pitch.weight.device
        self.sampling = SamplingConfig(temperature=config.temperature)
        self.generators = [torch.Generator().manual_seed(seed_of(config.random_seed, take)) for take in takes]
        self.takes = self.generators  # those of candidates differ
        self.each = 1  # candidates of a take
        self.still = np.zeros(self.rows, np.int64)  # steps since a voice has moved
        self.weights = np.zeros(self.rows)  # how likely the final chord was
        self.free = [voice for voice in range(NUM_VOICES) if not outline.given[voice]]
        known = torch.tensor([list(outline.given)] * self.rows, device=self.device)
        self.outset = model.outset(known, torch.full((self.rows,), outline.tonic, device=self.device))
        self.pitches = np.repeat(outline.voices[None].astype(np.int64), self.rows, axis=0)
        self.pitches[:, outline.begun :, self.free] = REST
        self.tokens = model.tokens(torch.from_numpy(self.pitches).to(self.device))
        self.echoing = Echoing(self.rows, self.pitches.shape[1])
        self.state: State | None = None
        with torch.no_grad():
            lengths = torch.full((self.rows,), self.pitches.shape[1], device=self.device)
            nothing = torch.zeros((*self.pitches.shape, KINDS), dtype=torch.int64, device=self.device)
            whole = facts(self.tokens, nothing, nothing, self.outset, model.config.num_pitches)
            self.seen = model.look(whole, lengths)
        self.known_pitches = np.arange(model.config.lowest_pitch, model.config.highest_pitch + 1)
        self.allowed = {voice: self._allowed(voice, config.pitch_classes) for voice in self.free}

    def _allowed(self, voice: int, pitch_classes: frozenset[int] | None) -> NDArray[np.bool_]:
        low, high = RANGES[voice]
        allowed = (self.known_pitches >= low) & (self.known_pitches <= high)
        if pitch_classes is not None:
            allowed &= np.isin(self.known_pitches % 12, list(pitch_classes))
        if not allowed.any():
            raise ConfigError(f"model: it knows no pitch that the {VOICES[voice]} may sing")
        return allowed

    @torch.no_grad()
    def hear(self) -> None:
        """Reads the steps in which all four voices are known."""
        begun = self.outline.begun
        if not begun:
            return
        said, likeness = (np.repeat(part[None], self.rows, axis=0) for part in echoes(self.outline.voices[:begun]))
        heard = self.model.tokens(torch.from_numpy(said).to(self.device)), torch.from_numpy(likeness).long().to(self.device)
        known = facts(self.tokens[:, :begun], *heard, self.outset, self.model.config.num_pitches)
        _, self.state = self.model.listen(known, self.seen[:, :begun], None)
        for step in range(begun):
            self._remember(step)

    def _remember(self, step: int) -> None:
        """What has been sung in a step is there to come back to."""
        now = self.pitches[:, step]
        holds = (now == self.pitches[:, step - 1]).all(axis=1) if step else np.zeros(self.rows, np.bool_)
        self.still = np.where(holds, self.still + 1, 0)
        self.echoing.add(now.astype(np.uint8))

    def branch(self, each: int) -> None:
        """Makes several candidates of each take."""
        index = np.repeat(np.arange(self.rows), each)
        random_seeds = [seed_of(take.initial_seed(), i) for take in self.takes for i in range(1, each + 1)]
        self.generators = [torch.Generator().manual_seed(random_seed) for random_seed in random_seeds]
        self.each, self.rows, self.weights = each, len(index), np.zeros(len(index))
        self.still = self.still[index]
        self.pitches, self.tokens, self.seen = self.pitches[index], self.tokens[index], self.seen[index]
        self.outset = Outset(*(part[index] for part in self.outset))
        self.echoing.branch(index)
        self.state = selected(self.state, torch.from_numpy(index)) if self.state else None

    def chosen(self) -> NDArray[np.int64]:
        """(takes, steps, 4): of each take a candidate, by their weights."""
        if self.each == 1:
            return self.pitches
        weights = torch.from_numpy(self.weights).view(-1, self.each).softmax(dim=1)
        places = [int(torch.multinomial(row, 1, generator=take)) for row, take in zip(weights, self.takes, strict=True)]
        found: NDArray[np.int64] = self.pitches[np.arange(len(places)) * self.each + places]
        return found

    @torch.no_grad()
    def step(self, step: int) -> None:
        """Draws what the voices that are not given sing in a step."""
        said, likeness = self.echoing.next()
        known = self._known(step, said, likeness)
        read, self.state = self.model.listen(known, self.seen[:, step : step + 1], self.state)
        before = self.pitches[:, step - 1] if step else np.full((self.rows, NUM_VOICES), REST)
        final = max(self.outline.begun, self.pitches.shape[1] - self.outline.closing)
        for voice in self.free:
            if step > final:
                self.tokens[:, step, voice], self.pitches[:, step, voice] = self.tokens[:, step - 1, voice], before[:, voice]
                continue
            known = known._replace(tokens=self.tokens[:, step : step + 1])
            logits = self.model.voiced(known, read)[:, 0, voice, :-1].float().cpu()
            logits = logits - self.config.strictness * torch.from_numpy(
                cost_of_next(before, self.pitches[:, step], voice, self.known_pitches)
            )
            logits = logits.masked_fill(torch.from_numpy(~self.allowed[voice]), -torch.inf)
            if voice == 0 and len(self.free) == NUM_VOICES and step % BEAT == 0:
                logits = self._moved_on(logits, before[:, 0])
            logits = self._closed(logits, voice, step) if self.outline.closing and step == final else logits
            drawn = sample(logits, self.sampling, self.generators)
            self.tokens[:, step, voice] = drawn.to(self.device)
            self.pitches[:, step, voice] = drawn.numpy() + self.model.config.lowest_pitch
        self._remember(step)
        if step == final:
            self.weights -= NO_MOVE * (self.still > 0)

    def _moved_on(self, logits: Tensor, pitches: NDArray[np.int64]) -> Tensor:
        """Logits without the pitch that the soprano has, where nothing has moved for long and there is another one."""
        held = torch.from_numpy((self.still >= MOST_STILL)[:, None] & (self.known_pitches == pitches[:, None]))
        left = logits.masked_fill(held, -torch.inf)
        return torch.where(left.isfinite().any(dim=1, keepdim=True), left, logits)

    def _closed(self, logits: Tensor, voice: int, step: int) -> Tensor:
        """Logits with nothing but the final chord left, where there is anything of it; what that costs is weighed."""
        asked, final = self.outline.closes_in, np.ones(logits.shape, np.bool_)
        for row, piece in zip(final, self.pitches, strict=True):
            tonic = tonic_of(piece[:step], (True,) * NUM_VOICES, ended=False) if asked == NO_TONIC else asked
            if tonic != NO_TONIC:
                chord = {tonic} if voice == NUM_VOICES - 1 else triad(tonic, self.config.pitch_classes)
                row[:] = np.isin(self.known_pitches % 12, list(chord))
        left = logits.masked_fill(torch.from_numpy(~final), -torch.inf)
        left = torch.where(left.isfinite().any(dim=1, keepdim=True), left, logits)
        self.weights += (left.logsumexp(dim=1) - logits.logsumexp(dim=1)).double().numpy()
        return left

    def _known(self, step: int, said: NDArray[np.uint8], likeness: NDArray[np.uint8]) -> Facts:
        heard = self.model.tokens(torch.from_numpy(said)[:, None].to(self.device))
        grades = torch.from_numpy(likeness)[:, None].long().to(self.device)
        whole = facts(self.tokens[:, : step + 1], heard, grades, self.outset, self.model.config.num_pitches)
        return Facts(*(value[:, -1:] for value in whole))
