"""Numbers, dates, times, money and measures in English words, as they are read aloud: "one hundred and five".

Of a date in numbers the month comes first, as in America, unless it can only be the day. Four bare digits
from 1010 to 2099 are a year.
"""

from __future__ import annotations

import re
from collections.abc import Callable

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LONGEST_CARDINAL, LONGEST_BARE = 15, 6  # digits, with commas and without; longer numbers are read digit by digit
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
}
SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
DENOMINATORS = {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100}  # others are dates and scores: 9/11, 24/7
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
A_MONTH = f"May|March|(?i:{'|'.join(month for month in MONTHS if month not in ('may', 'march'))})"  # those may be verbs
MEASURES = {  # one, and several; after a number
    "km/h": ("kilometer an hour", "kilometers an hour"), "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"), "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"), "mph": ("mile an hour", "miles an hour"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "ft": ("foot", "feet"), "oz": ("ounce", "ounces"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "ms": ("millisecond", "milliseconds"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
}  # fmt: skip
AMOUNT = r"([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![A-Za-z0-9.])\.[0-9]+)"


def expand_dates(text: str) -> str:
    """Days of months, dates in numbers, spans, measures: as they are read aloud."""
    for pattern, said in _DATES:
        text = re.sub(pattern, said, text)
    return text


def _span(match: re.Match[str]) -> str:
    """5-10 people: five to ten; 3-2 is a score."""
    first, last = int(match[1]), int(match[2])
    return f"{first} to {last}" if first < last else match[0]


def date_words(month: str, day: str, year: str) -> str:
    """A day in digits: march first, twenty twenty four."""
    return f" {MONTHS[int(month) - 1]} {_ordinal(day)}, {year_words(year)} "


def _ordinal(number: str) -> str:
    return in_words(int(number), "ordinal")


def expand_numbers(text: str) -> str:
    """Telephone numbers, money, times, ordinals, decades, fractions and all other digits as words."""
    for pattern, said in _NUMBERS:
        text = re.sub(pattern, lambda m, said=said: f" {said(m)} ", text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def cardinal_words(amount: str) -> str:
    """A number as it is written: with commas, a point, or zeros before it."""
    whole, _, decimals = amount.replace(",", "").partition(".")
    bare = "," not in amount and len(whole) > LONGEST_BARE and not whole.endswith("000")
    if len(whole) > LONGEST_CARDINAL or bare or (len(whole) > 1 and whole[0] == "0"):
        said = digit_words(whole)
    else:
        said = in_words(int(whole)) if whole else ""
    return f"{said} point {digit_words(decimals)}" if decimals else said


def year_words(amount: str) -> str:
    """A number, as a year where it has the looks of one: 1833, eighteen thirty three."""
    return (
        in_words(int(amount), "year")
        if re.fullmatch("1[0-9]{3}|20[0-9]{2}", amount) and int(amount) > 1009
        else cardinal_words(amount)
    )


def digit_words(digits: str) -> str:
    """Digit by digit; all else in it is left out."""
    return " ".join(DIGITS[int(d)] for d in re.findall("[0-9]", digits))


def money_words(sign: str, amount: str, scale: str = "") -> str:
    """An amount of a currency, such as $3.50, or of millions of it."""
    one, many, cent, cents = CURRENCIES[sign]
    whole, _, part = amount.replace(",", "").partition(".")
    if scale or len(part) > 2:
        return " ".join([cardinal_words(amount), *([SCALES.get(scale.lower(), scale)] if scale else []), many])
    small = int(part.ljust(2, "0"))
    count = in_words(int(whole or 0)) if len(whole) <= LONGEST_CARDINAL else digit_words(whole)
    said = [f"{count} {one if whole == '1' else many}"] if whole.strip("0") or not small else []
    return " and ".join(said + ([f"{in_words(small)} {cent if small == 1 else cents}"] if small else []))


def time_words(hour: int, minute: int, second: int | None = None, oclock: bool = True) -> str:
    """A time of the day; `oclock` is False where a.m. or p.m. follows."""
    if not minute and not second:
        return in_words(hour) + ((" o'clock" if 0 < hour <= 12 else " hundred") if oclock else "")
    past = f"oh {DIGITS[minute]}" if 0 < minute < 10 else in_words(minute) if minute else "o'clock"
    said = f"{in_words(hour)} {past}"
    return f"{said} and {in_words(second)} second{'s' if second > 1 else ''}" if second else said


def fraction_words(numerator: int, denominator: int, whole: str = "") -> str:
    """1/2, one half; 3 1/2, three and a half."""
    name = {2: "half", 4: "quarter"}.get(denominator) or in_words(denominator, "ordinal")
    plural = "" if numerator == 1 else "s"
    count = "a" if whole and numerator == 1 and denominator <= 4 else in_words(numerator)
    return (
        f"{cardinal_words(whole)} and {count} {name}{plural}"
        if whole
        else f"{count} {'halve' if plural and denominator == 2 else name}{plural}"
    )


def roman(numeral: str) -> int:
    """The value of a Roman number up to 89, 0 if it is none, or the letter L alone."""
    match = re.fullmatch("(XL|L?X{0,3})(IX|IV|V?I{0,3})", numeral)
    if not match or numeral == "L":
        return 0
    tens = 4 if match[1] == "XL" else 5 * match[1].count("L") + match[1].count("X")
    units = {"IX": 9, "IV": 4}.get(match[2], 5 * match[2].count("V") + match[2].count("I"))
    return 10 * tens + units


def in_words(number: int, kind: str = "cardinal") -> str:
    """A whole number: cardinal, ordinal, or a year."""
    from num2words import num2words

    return str(num2words(number, to=kind)).replace("-", " ").replace(",", "")


def _plural_words(amount: str) -> str:
    """1860s, eighteen sixties."""
    said = year_words(amount)
    return said[:-1] + "ies" if said.endswith("y") else said + ("es" if said.endswith("x") else "s")


def _fraction(match: re.Match[str]) -> str:
    whole, numerator, denominator = match[1] or "", int(match[2]), int(match[3])
    if 0 < numerator < denominator and denominator in DENOMINATORS:
        return fraction_words(numerator, denominator, whole)
    return f"{whole} {match[2]} {match[3]}"  # read as numbers of their own


_NUMBERS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"(?<![A-Za-z0-9])\+[0-9][0-9 ().-]{6,}[0-9]", lambda m: f"plus {digit_words(m[0])}"),
    (r"(?:\([0-9]{3}\) ?|\b[0-9]{3}-)?\b[0-9]{3}-[0-9]{4}\b|\b[0-9]{3}\.[0-9]{3}\.[0-9]{4}\b", lambda m: digit_words(m[0])),
    (r"(?<![^\s(])-(?=[$£€]?\.?[0-9])", lambda m: "minus"),
    (
        rf"([$£€])\s?{AMOUNT}(?:[\s-]?(hundred|thousand|million|billion|trillion|bn|[kmb])(?![a-z]))?",
        lambda m: money_words(m[1], m[2], m[3] or ""),
    ),
    (rf"(?<![0-9]){AMOUNT}\s?([$£€])(?![0-9.])", lambda m: money_words(m[2], m[1])),
    (
        r"(?<![0-9:.])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?(?![0-9:])(?=(\s+[ap][ ·]m\b)?)",
        lambda m: time_words(int(m[1]), int(m[2]), int(m[3]) if m[3] else None, not m[4]),
    ),
    (
        r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:st|nd|rd|th)(?![a-z])",
        lambda m: in_words(int(m[1].replace(",", "")), "ordinal"),
    ),
    (r"'?(?<![0-9.,])([0-9]{1,4})'?s(?![a-z])", lambda m: _plural_words(m[1])),
    (r"(?<![0-9/.,])(?:([0-9]{1,6})[\s-]+)?([0-9]{1,3})/([0-9]{1,3})(?:(?:rd|th)s?\b)?(?![0-9/])", _fraction),
    (AMOUNT, lambda m: year_words(m[1])),
)

DAY = "0?[1-9]|[12][0-9]|3[01]"
_DATES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"(?<![0-9-])([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?![0-9-])", lambda m: date_words(m[2], m[3], m[1])),
    (rf"(?<![0-9/])(0?[1-9]|1[0-2])/({DAY})/([12][0-9]{{3}})(?![0-9/])", lambda m: date_words(m[1], m[2], m[3])),
    (
        r"(?<![0-9/])(1[3-9]|2[0-9]|3[01])/(0?[1-9]|1[0-2])/([12][0-9]{3})(?![0-9/])",
        lambda m: f" the {_ordinal(m[1])} of {MONTHS[int(m[2]) - 1]}, {year_words(m[3])} ",
    ),
    (rf"(?<![0-9A-Za-z.,:/-])({DAY}) ({A_MONTH})\b(?! [0-9]{{1,2}}\b)", lambda m: f"the {_ordinal(m[1])} of {m[2]}"),
    (rf"\b({A_MONTH}) ({DAY})[-–]({DAY})\b(?![-–:/])", lambda m: f"{m[1]} {_ordinal(m[2])} to {_ordinal(m[3])}"),
    (
        rf"\b({A_MONTH}) ({DAY})\b(?![0-9:.,]*[0-9])(?!(?:st|nd|rd|th)\b)(?:,(?= [12][0-9]{{3}}\b))?",
        lambda m: f"{m[1]} {_ordinal(m[2])}",
    ),
    (r"(?<![0-9-])(1[0-9]{3}|20[0-9]{2})\s?[-–]\s?(1[0-9]{3}|20[0-9]{2})(?![0-9-])", lambda m: f"{m[1]} to {m[2]}"),
    (r"(?<![0-9A-Za-z.,:/-])([0-9]{1,3})[-–]([0-9]{1,3}|[1-9][0-9]?00)(?= [a-z]|%)", _span),
    (
        rf"(?<![A-Za-z0-9]){AMOUNT}\s?({'|'.join(MEASURES)})(?![A-Za-z0-9])",
        lambda m: f"{cardinal_words(m[1])} {MEASURES[m[2]][m[1] != '1']}",
    ),
)
