"""Voices that are given -> all four, one step after another: a draw from the harmonizer's own likelihood of the others.

The given voices are known from the outset (`melodia.harmony.model`), so one pass suffices, and no take is thrown away. Rules of
voice-leading (`melodia.harmony.rules`) are held to in the draw: each error that a pitch would make takes `strictness` from the
logarithm of its probability, a parallel twice that. The voices that are made stay in the range of a choir, and do not rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.harmony.echoes import BEAT, KINDS, Echoing
from melodia.harmony.model import SIDE_BY_SIDE, Choir
from melodia.harmony.prepare import NUM_VOICES, REST, VOICES, Voices
from melodia.harmony.reading import Facts, Outset, facts
from melodia.harmony.rules import RANGES, cost_of_next
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.lstm import State, selected
from melodia.sampling import SamplingConfig, sample

CANDIDATES, CLOSING_STEPS = 8, 32
ALL = (True,) * NUM_VOICES
TEMPERATURE, STRICTNESS = 0.6, 2.0  # what is drawn at 1 wanders, as errors lead to others; nats


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmonizeConfig:
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


def harmonize(
    voices: Voices,
    given: Sequence[bool],
    model: Choir,
    config: HarmonizeConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Voices]:
    """Takes of all four voices.

    Args:
        voices: (steps, 4) pitches that the model knows; those of voices that are not given mean nothing.
        given: (4,) whether each is.
        model: a harmonizer.
        config: how many takes, and how they are drawn. A take does not depend on how many there are.
        progress: called with the steps done and in all, over all takes.

    Returns:
        `count` arrays like `voices`, the given ones as they are.

    Raises:
        ConfigError: the model cannot look ahead, or no voice, or each, is given, or no pitch is left for one.
    """
    if not model.config.ahead_size:
        raise ConfigError("model: it only knows what comes next, not what is given; take a harmonizer")
    if not any(given) or all(given):
        raise ConfigError(f"voice: {'all' if any(given) else 'none'} of the four are given; give one, two or three")
    return draw(voices, given, tonic_of(voices, given), model, config, progress)


def draw(
    voices: Voices,
    given: Sequence[bool],
    tonic: int,
    model: Choir,
    config: HarmonizeConfig,
    progress: Callable[[int, int], None],
    begun: int = 0,
    closes: bool = False,
) -> list[Voices]:
    """As `harmonize`, in a key, and after so many steps in which all four voices are known.

    If it `closes`, `CANDIDATES` of each take are drawn from some bars before its end on, and one of them is chosen by how likely
    the model made the final chord: the tonic in the bass, its triad above, held for the last beat.
    """
    takes: list[Voices] = []
    for first in range(0, config.count, SIDE_BY_SIDE):
        rows = min(SIDE_BY_SIDE, config.count - first)
        setting = _Setting(voices, given, tonic, model, config, range(first, first + rows), begun)
        for step in range(len(voices)):
            if closes and step == max(begun, len(voices) - CLOSING_STEPS):
                setting.branch(CANDIDATES, step)
            setting.step(step, draws=step >= begun)
            progress(step + 1 + first // SIDE_BY_SIDE * len(voices), -(-config.count // SIDE_BY_SIDE) * len(voices))
        takes += list(setting.chosen().astype(np.uint8))
    return takes


def triad(tonic: int, pitch_classes: frozenset[int] | None) -> set[int]:
    """The chord of a tonic: major, as chorales in minor end too, unless the key has no major third."""
    third = 3 if pitch_classes is not None and (tonic + 4) % 12 not in pitch_classes else 4
    return {(tonic + interval) % 12 for interval in (0, third, 7)}


class _Setting:
    """Takes that are made side by side."""

    def __init__(
        self,
        voices: Voices,
        given: Sequence[bool],
        tonic: int,
        model: Choir,
        config: HarmonizeConfig,
        takes: range,
        begun: int,
    ) -> None:
        self.model, self.rows = model, len(takes)
        self.device = model.head.pitch.weight.device
        self.sampling, self.strictness = SamplingConfig(temperature=config.temperature), config.strictness
        self.generators = [torch.Generator().manual_seed((config.random_seed + take) % 2**63) for take in takes]
        self.free = [voice for voice in range(NUM_VOICES) if not given[voice]]
        known = torch.tensor([list(given)] * self.rows, device=self.device)
        self.outset = model.outset(known, torch.full((self.rows,), tonic, device=self.device))
        self.pitches = np.repeat(voices[None].astype(np.int64), self.rows, axis=0)
        self.pitches[:, begun:, self.free] = REST
        self.tokens = model.tokens(torch.from_numpy(self.pitches).to(self.device))
        self.echoing = Echoing(self.rows, len(voices))
        self.state: State | None = None
        with torch.no_grad():
            lengths = torch.full((self.rows,), len(voices), device=self.device)
            nothing = torch.zeros((self.rows, len(voices), NUM_VOICES, KINDS), dtype=torch.int64, device=self.device)
            whole = facts(self.tokens, nothing, nothing, self.outset, model.config.num_pitches)
            self.seen = model.look(whole, lengths)
        self.known_pitches = np.arange(model.config.lowest_pitch, model.config.highest_pitch + 1)
        self.allowed = {voice: self._allowed(voice, config.pitch_classes) for voice in self.free}
        self.pitch_classes, self.tonic = config.pitch_classes, tonic
        self.each = 1  # candidates of a take
        self.final: list[NDArray[np.bool_]] = []  # of a voice, (rows, known pitches): those of the final chord
        self.weights = np.zeros(self.rows)  # how likely it was

    def _allowed(self, voice: int, pitch_classes: frozenset[int] | None) -> NDArray[np.bool_]:
        low, high = RANGES[voice]
        allowed = (self.known_pitches >= low) & (self.known_pitches <= high)
        if pitch_classes is not None:
            allowed &= np.isin(self.known_pitches % 12, list(pitch_classes))
        if not allowed.any():
            raise ConfigError(f"model: it knows no pitch that the {VOICES[voice]} may sing")
        return allowed

    def branch(self, each: int, step: int) -> None:
        """Makes several candidates of each take, to close in the key that it has been in."""
        index = np.repeat(np.arange(self.rows), each)
        seeds = [generator.initial_seed() + 7_919 * i for generator in self.generators for i in range(1, each + 1)]
        self.takes, self.generators = self.generators, [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        self.each, self.rows, self.weights = each, len(index), np.zeros(len(index))
        self.pitches, self.tokens, self.seen = self.pitches[index], self.tokens[index], self.seen[index]
        self.outset = Outset(*(part[index] for part in self.outset))
        self.echoing.branch(index)
        self.state = selected(self.state, torch.from_numpy(index)) if self.state else None
        home = [self.tonic if self.tonic != NO_TONIC else tonic_of(piece[:step], ALL) for piece in self.pitches]
        chords = [triad(tonic, self.pitch_classes) for tonic in home]
        classes = self.known_pitches % 12
        above = np.array([np.isin(classes, list(chord)) for chord in chords])
        self.final = [above, above, above, np.array([classes == (tonic % 12) for tonic in home])]

    def chosen(self) -> NDArray[np.int64]:
        """(takes, steps, 4): of each take a candidate, by their weights."""
        if self.each == 1:
            return self.pitches
        weights = torch.from_numpy(self.weights).view(-1, self.each).softmax(dim=1)
        places = [int(torch.multinomial(row, 1, generator=take)) for row, take in zip(weights, self.takes, strict=True)]
        found: NDArray[np.int64] = self.pitches[np.arange(len(places)) * self.each + places]
        return found

    @torch.no_grad()
    def step(self, step: int, draws: bool) -> None:
        """Hears a step, and first draws what the voices that are not given sing in it."""
        said, likeness = self.echoing.next()
        known = self._known(step, said, likeness)
        read, self.state = self.model.listen(known, self.seen[:, step : step + 1], self.state)
        before = self.pitches[:, step - 1] if step else np.full((self.rows, NUM_VOICES), REST)
        last = step - (self.pitches.shape[1] - BEAT) if self.final else -1
        for voice in self.free if draws else ():
            if last > 0:
                self.tokens[:, step, voice], self.pitches[:, step, voice] = self.tokens[:, step - 1, voice], before[:, voice]
                continue
            known = known._replace(tokens=self.tokens[:, step : step + 1])
            logits = self.model.voiced(known, read)[:, 0, voice, :-1].float().cpu()
            logits = logits - self.strictness * torch.from_numpy(
                cost_of_next(before, self.pitches[:, step], voice, self.known_pitches)
            )
            logits = logits.masked_fill(torch.from_numpy(~self.allowed[voice]), -torch.inf)
            logits = self._closed(logits, voice) if last == 0 else logits
            drawn = sample(logits, self.sampling, self.generators)
            self.tokens[:, step, voice] = drawn.to(self.device)
            self.pitches[:, step, voice] = drawn.numpy() + self.model.config.lowest_pitch
        self.echoing.add(self.pitches[:, step].astype(np.uint8))

    def _closed(self, logits: Tensor, voice: int) -> Tensor:
        """Logits with nothing but the final chord left, where there is anything of it; what that costs is weighed."""
        left = logits.masked_fill(torch.from_numpy(~self.final[voice]), -torch.inf)
        left = torch.where(left.isfinite().any(dim=1, keepdim=True), left, logits)
        self.weights += (left.logsumexp(dim=1) - logits.logsumexp(dim=1)).double().numpy()
        return left

    def _known(self, step: int, said: NDArray[np.uint8], likeness: NDArray[np.uint8]) -> Facts:
        echoes = self.model.tokens(torch.from_numpy(said)[:, None].to(self.device))
        grades = torch.from_numpy(likeness)[:, None].long().to(self.device)
        whole = facts(self.tokens[:, : step + 1], echoes, grades, self.outset, self.model.config.num_pitches)
        return Facts(*(value[:, -1:] for value in whole))
