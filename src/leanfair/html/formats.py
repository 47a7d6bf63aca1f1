"""Numbers as a reader wants them: rounded, signed, with a unit; a dash where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

DASH = "—"
MINUS = "−"  # the mathematical sign, as wide as a plus


def finite(value: Any) -> float | None:
    """`value` as a number; None where it is none, infinite or undefined."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def exact(value: Any) -> str:
    """A count to the last digit: 12,345,678."""
    number = finite(value)
    return DASH if number is None else f"{round(number):,}"


def short(value: Any, units: str = "kMGT") -> str:
    """A count in three or four digits: 125.5 M. `units` are the letters of 1e3, 1e6, ..."""
    number = finite(value)
    if number is None:
        return DASH
    power = 0
    while power < len(units) and abs(number) >= 999.95:
        number, power = number / 1000, power + 1
    if not power:
        return f"{round(number):,}"
    return f"{number:,.{_decimals(number)}f}\u00a0{units[power - 1]}"


def size(value: Any) -> str:
    """Bytes in powers of ten: 3.42 MB."""
    text = short(value)
    if text == DASH:
        return DASH
    return f"{text}B" if text[-1].isalpha() else f"{text}\u00a0B"


def parameters(value: Any) -> str:
    """A number of parameters: 853.0 k, 25.6 M, 7.24 B."""
    return short(value, "kMBT")


def percent(share: Any, digits: int = 1) -> str:
    """A share in percent: 61.2%."""
    number = finite(share)
    return DASH if number is None else _signless(f"{100 * number:,.{digits}f}") + "%"


def apart(first: float, second: float) -> tuple[str, str]:
    """Two shares in percent, with as many digits as it takes to tell them apart."""
    for digits in (1, 2, 3, 4):
        pair = percent(first, digits), percent(second, digits)
        if pair[0] != pair[1]:
            return pair
    return percent(first), percent(second)


def change(before: Any, after: Any) -> str:
    """How much was won or lost, relative to before: −61.2%."""
    old, new = finite(before), finite(after)
    if not old or new is None:
        return DASH
    return signed(100 * (new / old - 1.0), 1) + "%"


def signed(value: float, digits: int) -> str:
    """A number with its sign; none on a zero."""
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


def points(before: float, after: float) -> str:
    """The difference of two shares in percentage points: −0.40."""
    return signed(100 * (after - before), 2)


def ratio(before: Any, after: Any) -> str:
    """How many times smaller: 2.58×."""
    old, new = finite(before), finite(after)
    if old is None or not new:
        return DASH
    return f"{old / new:,.2f}×"


def times(value: Any) -> str:
    """A factor: 1.49×."""
    number = finite(value)
    return DASH if number is None else f"{perplexity(number)}×"


def growth(before: Any, after: Any) -> str:
    """How much something grew or fell: +49.0%, or, where it more than doubled, 3.42×."""
    old, new = finite(before), finite(after)
    if old and new is not None and new > 2 * old:
        return times(new / old)
    return change(before, after)


def perplexity(value: Any) -> str:
    """A perplexity in four digits or so: 16.24, 128.4, 1,024."""
    number = finite(value)
    if number is None:
        return DASH
    if number >= 1e15:
        return f"{number:.1e}".replace("e+", "e")
    if number >= 99_999.5:
        return short(number)
    return f"{number:,.{2 if number < 99.995 else 1 if number < 999.95 else 0}f}"


def similarities(layer: Any, neurons: Any) -> tuple[str, str]:
    """The CKA of both candidates, with as many digits as it takes to tell them apart, and to tell
    from 1 what is not 1."""
    known = {n for n in (finite(layer), finite(neurons)) if n is not None}
    for digits in range(4, 9):
        shown = {f"{number:.{digits}f}" for number in known}
        if len(shown) == len(known) and not (f"{1:.{digits}f}" in shown and max(known) < 1):
            break
    return _similarity(layer, digits), _similarity(neurons, digits)


def _similarity(value: Any, digits: int) -> str:
    number = finite(value)
    return DASH if number is None else _signless(f"{number:.{digits}f}")


def milliseconds(seconds: Any) -> str:
    """A latency: 12.3 ms."""
    number = finite(seconds)
    return DASH if number is None else f"{_digits(1e3 * number)}\u00a0ms"


def span(low: Any, high: Any) -> str:
    """Two latencies with one unit: 11.9–13.4 ms."""
    first, second = finite(low), finite(high)
    if first is None or second is None:
        return DASH
    return f"{_digits(1e3 * first)}–{_digits(1e3 * second)}\u00a0ms"


def duration(seconds: Any) -> str:
    """A time in the two largest units that matter: 1 h 12 min."""
    number = finite(seconds)
    if number is None:
        return DASH
    if number < 60:
        return f"{number:.1f}\u00a0s" if number < 9.95 else f"{number:.0f}\u00a0s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min\u00a0{rest}\u00a0s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}\u00a0h\u00a0{minutes}\u00a0min"


def watt_hours(kwh: Any) -> str:
    """An energy, given in kilowatt-hours: 12.3 Wh, 1.20 kWh."""
    number = finite(kwh)
    return DASH if number is None else f"{_scaled(1e3 * number)}Wh"


def grams(value: Any) -> str:
    """A mass, given in grams: 5.84 g, 1.20 kg."""
    number = finite(value)
    return DASH if number is None else f"{_scaled(number)}g"


def _scaled(value: float) -> str:
    """A number with the letter of its thousand, from nano to giga, that a unit can follow."""
    powers = {0: "", 1: "k", 2: "M", 3: "G", -1: "m", -2: "µ", -3: "n"}
    power = 0
    while power < 3 and abs(value) >= 999.5:
        value, power = value / 1000, power + 1
    while power > -3 and 0 < abs(value) < 0.9995:
        value, power = value * 1000, power - 1
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:,.{digits if value else 0}f}\u00a0{powers[power]}"


def setting(value: Any, none: str = "none") -> str:
    """A value out of a settings file, in words."""
    if value is None:
        return none
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else DASH
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, Mapping) for item in value):
            return plural(len(value), "item")
        return ", ".join(setting(item) for item in value) or "none"
    return str(value)


def channels_last(layouts: Mapping[str, object]) -> str:
    """A sentence about which of two networks were timed with channels last; empty for neither."""
    those = [name for name, layout in layouts.items() if layout == "channels_last"]
    if not those:
        return ""
    who = "Both networks were" if len(those) > 1 else f"The network {those[0]} was"
    return f"{who} timed with channels last in memory, which is faster here."


def plural(count: int, noun: str) -> str:
    """1 round, 2 rounds."""
    return f"{count:,}\u00a0{noun}{'' if count == 1 else 's'}"


def _digits(value: float) -> str:
    return f"{value:,.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    """Digits after the point that make three in all, or four."""
    for limit, digits in ((999.5, 0), (9.995, 1), (0.9995, 2)):
        if abs(value) >= limit:
            return digits
    return 3 if value else 0


def _signless(text: str) -> str:
    """A zero without a sign, and any other minus as the real one."""
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", MINUS)


def moment(created: str) -> str:
    """A time in UTC without the letters of ISO 8601."""
    return created.replace("T", " ").replace("+00:00", " UTC")
