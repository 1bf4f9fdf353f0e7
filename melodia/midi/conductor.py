"""The tempo and meter events of a MIDI file -> a score's tempos and meters."""

from __future__ import annotations

from collections.abc import Iterable

from melodia.score import DEFAULT_BPM, PPQ, Meter, Tempo

LOWEST_BPM, HIGHEST_BPM = 4.0, 960.0
MAX_BAR_TICKS = 12 * PPQ


def read_tempos(events: Iterable[tuple[int, int]], ppq: float) -> list[Tempo]:
    """The tempos of (tick, microseconds a quarter) events, the first at tick 0."""
    by_tick = {}
    for tick, microseconds in sorted(events, key=lambda e: e[0]):
        bpm = min(max(60e6 / microseconds, LOWEST_BPM), HIGHEST_BPM) if microseconds else HIGHEST_BPM
        by_tick[round(tick * PPQ / ppq)] = bpm
    if 0 not in by_tick:
        by_tick[0] = DEFAULT_BPM
    tempos: list[Tempo] = []
    for tick in sorted(by_tick):
        if not tempos or tempos[-1].tempo_bpm != by_tick[tick]:
            tempos.append(Tempo(tick, by_tick[tick]))
    return tempos


def read_meters(events: Iterable[tuple[int, int, int]], ppq: float) -> list[Meter]:
    """The meters of (tick, numerator, power of the denominator) events, each on a bar line.

    A change within a bar cuts it short, as DAWs show it. Where the short bar cannot be written as so
    many 32nds, the change waits for the next bar line.
    """
    by_tick = {round(t * PPQ / ppq): (n, d) for t, n, d in sorted(events, key=lambda e: e[0])}
    meters = [Meter(0, 4, 4)]
    for tick in sorted(by_tick):
        new = usable_meter(*by_tick[tick])
        last = meters[-1]
        if new == last[1:] and (tick - last.tick) % last.bar_ticks == 0:
            continue
        if tick <= last.tick:
            meters[-1] = Meter(last.tick, *new)
            continue
        bars, rest = divmod(tick - last.tick, last.bar_ticks)
        if rest and rest % (PPQ // 8):
            bars, rest = bars + 1, 0
        elif rest:
            short = usable_meter(rest * 8 // PPQ, 5)
            if bars:
                meters.append(Meter(tick - rest, *short))
            else:
                meters[-1] = Meter(last.tick, *short)
        meters.append(Meter(last.tick + bars * last.bar_ticks + rest, *new))
    return meters


def usable_meter(numerator: int, power: int) -> tuple[int, int]:
    """Numerator and denominator of a meter of at most `MAX_BAR_TICKS`, in terms of 32nds or coarser.

    A longer bar is halved, thirded ... until it fits; what makes no sense becomes 4/4.
    """
    while power > 0 and numerator % 2 == 0 and (power > 5 or (power > 2 and numerator <= 1)):
        numerator, power = numerator // 2, power - 1
    if numerator == 0 or power > 5:
        return 4, 4
    if power == 5:  # a short bar counted in 32nds reads better in the coarsest unit that holds it
        while power > 2 and numerator % 2 == 0:
            numerator, power = numerator // 2, power - 1
    denominator = 1 << power
    limit = MAX_BAR_TICKS * denominator // (4 * PPQ)
    if numerator > limit:
        numerator = max(n for n in range(1, limit + 1) if numerator % n == 0)
    return numerator, denominator
