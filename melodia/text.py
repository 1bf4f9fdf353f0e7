"""English text as it is spoken: lower-case words of letters and apostrophes, one blank between.

Numbers are read as British readers do ("one hundred and five"), four bare digits from 1010 to 2099 as a year. Of
abbreviations those are expanded that are seldom anything else. Text that is spoken already comes back as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

ALPHABET = " 'abcdefghijklmnopqrstuvwxyz"  # letter 1 is the blank between words; 0 is left to the CTC blank
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LONGEST_CARDINAL, LONGEST_BARE = 15, 6  # digits; longer ones are read digit by digit, those without commas sooner
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
}
SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
DENOMINATORS = {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100}  # others are dates and scores: 9/11, 24/7
ALWAYS = {  # with a dot or none, in any case
    "mr": "mister", "mrs": "missus", "messrs": "messieurs", "dr": "doctor", "jr": "junior", "sr": "senior", "ltd": "limited",
    "esq": "esquire", "capt": "captain", "lt": "lieutenant", "sgt": "sergeant", "vs": "versus", "etc": "et cetera", "ok": "okay",
}  # fmt: skip
DOTTED = {  # with a dot and a capital: these are words, or may end a sentence
    "st": "saint", "co": "company", "gen": "general", "col": "colonel", "hon": "honorable", "rev": "reverend",
    "prof": "professor", "maj": "major", "gov": "governor", "sen": "senator", "mt": "mount", "jan": "january", "feb": "february",
    "inc": "incorporated", "corp": "corporation", "fig": "figure", "approx": "approximately",
    "apr": "april", "aug": "august", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
}  # fmt: skip
SPELLED = {  # acronyms with vowels; others in capitals are words
    "ABC", "AI", "AKA", "AOL", "API", "ATM", "BA", "BMI", "CEO", "CFO", "CIA", "CIO", "CPU", "DIY", "DNA", "EKG", "ESP",
    "ETA", "EU", "FAQ", "FBI", "GPA", "GPU", "HIV", "IBM", "IOU", "IPO", "IQ", "IRS", "ISBN", "MBA", "MRI", "NBA",
    "NCAA", "RNA", "TBA", "UAE", "UFO", "UK", "UN", "URL", "USA", "USB", "USSR", "UV", "VIP",
}  # fmt: skip
JOINT = "·"  # between the letters of an acronym, where they are to be known
LAST = {"jr", "sr", "ltd", "esq", "etc", "co", "inc", "corp"}  # abbreviations that may end a sentence
BEGINS = r"(?-i:\s+(?:I|An?|The|Th[a-z]+|H[eo][a-z]*|She|W[eh][a-z]*|It[a-z]*|In|On|At|But|And|Or|So|If|As|Our|You[a-z]*)\b|\s*$)"
DOT = rf"(?:(\.)(?={BEGINS})|\.?)"  # of an abbreviation: caught if it ends a sentence too, as what begins another follows
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MEASURES = {  # one, and several; after a number
    "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"), "mm": ("millimetre", "millimetres"),
    "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"), "mph": ("mile an hour", "miles an hour"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "ft": ("foot", "feet"), "oz": ("ounce", "ounces"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "ms": ("millisecond", "milliseconds"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
}  # fmt: skip
KINGS = {
    "Henry", "Edward", "George", "Charles", "James", "William", "Richard", "Louis", "Philip", "Elizabeth", "Mary", "Napoleon",
    "Frederick", "Alexander", "Nicholas", "Pius", "Paul", "John", "Francis", "Ferdinand", "Leopold", "Otto", "Catherine",
}  # fmt: skip
NUMBERED = f"({'|'.join(sorted(KINGS))}|War|Chapter|Part|Book|Volume|Act|Scene|Type|Phase|Appendix|Figure|Table|Lesson|Section)"
SOUNDS = {"BRR", "GRR", "HM", "HMM", "MM", "MMM", "NTH", "PSST", "PST", "SH", "SHH", "TSK", "ZZZ"}  # no acronyms
SIGNS = {
    "&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "°": "degrees", "−": "minus", "×": "times", "²": "squared",
    "³": "cubed",
}  # fmt: skip
LOOKS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "‛": "'", "º": "°", "№": "No. ", "_": " "}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ß": "ss", "ẞ": "SS", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"ð": "th", "Ð": "Th", "þ": "th", "Þ": "Th", "ı": "i"}
    | {sign: f" {word} " for sign, word in SIGNS.items() if sign in "²³"}  # before they decompose to digits
    | dict.fromkeys("⁰¹⁴⁵⁶⁷⁸⁹™©®")  # notes at the foot of a page, and what is not read
)
AMOUNT = r"([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![A-Za-z0-9.])\.[0-9]+)"
ELISION = re.compile(r"'(?:tis|twas|twere|twill|twould|em|cause|til|till|round|bout|neath|gainst|n)(?:n't)?\b")
ELIDED = re.compile(r".+(?:s|in)'|(?:o|an|ol|th|'n)'")  # words that may end with an apostrophe


def spoken(text: str) -> str:
    """What a reader would say; "" where there is nothing to say. Asides in square brackets are not read."""
    return _without_quotes(re.sub("[^a-z']+", " ", re.sub("''+", " ", expanded(text).lower())))


def expanded(text: str, joint: str = " ") -> str:
    """Text with numbers, signs, abbreviations and acronyms in words, and the rest of its punctuation.

    Args:
        text: as it is written; what stands in square brackets is left out.
        joint: what stands between the letters of an acronym.
    """
    text = "".join(c for c in re.sub("([¼-¾⅐-⅞])", r" \1", text).translate(LOOKS) if unicodedata.category(c) != "Cf")
    text = "".join(c for c in unicodedata.normalize("NFKD", text).translate(LOOKS) if unicodedata.category(c) != "Mn")
    text = re.sub(r"\[[^\[\]]*\]", " ", text.replace("⁄", "/"))
    text = expand_numbers(expand_acronyms(expand_dates(expand_abbreviations(text.replace(JOINT, " "), joint)), joint))
    for sign, word in SIGNS.items():
        text = text.replace(sign, f" {word} ")
    return text


def expand_abbreviations(text: str, joint: str = " ") -> str:
    """Titles, months and the like in full; a dot that also ends a sentence stays."""
    text = re.sub(r"(?<![A-Za-z])[Ee]\.\s?g\.", "for example", text)
    text = re.sub(r"(?<![A-Za-z])[Ii]\.\s?e\.", "that is", text)
    text = re.sub(rf"(?<![A-Za-z])Ph\.\s?D\b{DOT}", lambda m: joint.join("phd") + _stop(m[1]), text)
    text = re.sub(
        rf"(?<=[0-9])\s?([ap])\.?m(?![A-Za-z]){DOT}", lambda m: f" {m[1]}{joint}m{_stop(m[2])} ", text, flags=re.IGNORECASE
    )
    text = re.sub(r"(?<![A-Za-z])N[oO](s?)\.\s*(?=[0-9])", lambda m: f"number{m[1]} ", text)
    text = re.sub(r"#(?=[0-9])", "number ", text)
    text = re.sub(r"(?<=[a-z] )St\.(?!\s+[A-Z])", "street", text)
    text = re.sub(r"(?<![A-Za-z])S[tT](?=\s+[A-Z])", "saint", text)
    for words, first, dot in ((ALWAYS, "", r"\.?"), (DOTTED, "(?-i:(?=[A-Z]))", r"\.")):
        pattern = rf"(?<![A-Za-z]){first}({'|'.join(words)})(?![A-Za-z])({dot})(?=({BEGINS})?)"
        text = re.sub(pattern, lambda m, words=words: words[m[1].lower()] + _stop_after(m), text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def _stop(dot: str | None) -> str:
    """The dot of an abbreviation that ends a sentence as well: `DOT` has matched."""
    return "." if dot else ""


def _stop_after(match: re.Match[str]) -> str:
    """The same, for words that are no titles, which stand before names."""
    return "." if match[2] and match[3] is not None and match[1].lower() in LAST else ""


def expand_acronyms(text: str, joint: str = " ") -> str:
    """U.S., BBC, FBI, MPs, but no words in capitals, as letters apart, and Roman numbers after names."""
    text = re.sub(rf"\b{NUMBERED}\s+([IVX]+)\b", _numbered, text)
    dotted = rf"(?<![A-Za-z])((?:[A-Za-z]\.)+[A-Za-z])(?![A-Za-z])(?:\.('s)|{DOT}('s)?)"
    text = re.sub(dotted, lambda m: joint.join(m[1].replace(".", "").lower()) + (m[2] or m[4] or "") + _stop(m[3]) + " ", text)
    text = re.sub(r"(?<=\b[Tt]he )US(?![A-Za-z'])|(?<![A-Za-z'])US(?= [A-Z][a-z])", f"u{joint}s", text)

    def apart(match: re.Match[str]) -> str:
        word = match[1]
        if word in SPELLED or (word not in SOUNDS and not set(word) & set("AEIOUY")):
            return joint.join(word.lower()) + ("'s" if match[2] else "")
        return match[0]

    return re.sub(r"(?<![A-Za-z0-9])(?<![A-Za-z]')([A-Z]{2,})('[sS]|s)?(?![A-Za-z])(?!'[A-Za-z])", apart, text)


def _numbered(match: re.Match[str]) -> str:
    """World War II, chapter IV: a number; Henry VIII: the eighth."""
    name, numeral = match[1], match[2]
    if not (value := roman(numeral)):
        return match[0]
    return f"{name} the {_in_words(value, 'ordinal')}" if name in KINGS else f"{name} {_in_words(value)}"


def roman(numeral: str) -> int:
    """The value of a Roman number up to 39, 0 if it is none."""
    match = re.fullmatch("(X{0,3})(IX|IV|V?I{0,3})", numeral)
    if not match:
        return 0
    units = {"IX": 9, "IV": 4}.get(match[2], 5 * match[2].count("V") + match[2].count("I"))
    return 10 * len(match[1]) + units


def expand_dates(text: str) -> str:
    """Days of months, dates in numbers, spans of years, measures: as they are read aloud."""
    text = re.sub(
        r"(?<![0-9-])([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?![0-9-])",
        lambda m: f" {date_words(int(m[2]), int(m[3]), m[1])} ",
        text,
    )
    text = re.sub(
        r"(?<![0-9/])(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/([12][0-9]{3})(?![0-9/])",
        lambda m: f" {date_words(int(m[1]), int(m[2]), m[3])} ",
        text,
    )
    months = "|".join(MONTHS)
    text = re.sub(
        rf"\b({months}) ([12]?[0-9]|3[01])\b(?![0-9:.,]*[0-9])(?!(?:st|nd|rd|th)\b)(?:,(?= [12][0-9]{{3}}\b))?",
        lambda m: f"{m[1]} {_in_words(int(m[2]), 'ordinal')}" if int(m[2]) else m[0],
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(r"(?<![0-9-])(1[0-9]{3}|20[0-9]{2})\s?[-–]\s?(1[0-9]{3}|20[0-9]{2})(?![0-9-])", r"\1 to \2", text)
    pattern = rf"(?<![A-Za-z]){AMOUNT}\s?({'|'.join(MEASURES)})(?![A-Za-z0-9])"
    return re.sub(pattern, lambda m: f"{m[1]} {MEASURES[m[2]][m[1] != '1']}", text)


def date_words(month: int, day: int, year: str) -> str:
    """A day: march first, twenty twenty four."""
    return f"{MONTHS[month - 1]} {_in_words(day, 'ordinal')}, {year_words(year)}"


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
        said = _in_words(int(whole)) if whole else ""
    return f"{said} point {digit_words(decimals)}" if decimals else said


def year_words(amount: str) -> str:
    """A number, as a year where it has the looks of one: 1833, eighteen thirty three."""
    return (
        _in_words(int(amount), "year")
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
    said = (
        [f"{cardinal_words(amount.partition('.')[0] or '0')} {one if whole == '1' else many}"]
        if whole.strip("0") or not small
        else []
    )
    return " and ".join(said + ([f"{_in_words(small)} {cent if small == 1 else cents}"] if small else []))


def time_words(hour: int, minute: int, second: int | None = None, oclock: bool = True) -> str:
    """A time of the day; `oclock` is False where a.m. or p.m. follows."""
    if minute == 0 and second is None:
        return _in_words(hour) + ((" o'clock" if 0 < hour <= 12 else " hundred") if oclock else "")
    rest = [f"oh {DIGITS[n]}" if n < 10 else _in_words(n) for n in (minute, second) if n is not None]
    return " ".join([_in_words(hour), *rest])


def fraction_words(numerator: int, denominator: int, whole: str = "") -> str:
    """1/2, one half; 3 1/2, three and a half."""
    name = {2: "half", 4: "quarter"}.get(denominator) or _in_words(denominator, "ordinal")
    plural = "" if numerator == 1 else "s"
    count = "a" if whole and numerator == 1 and denominator <= 4 else _in_words(numerator)
    return (
        f"{cardinal_words(whole)} and {count} {name}{plural}"
        if whole
        else f"{count} {'halve' if plural and denominator == 2 else name}{plural}"
    )


def letters_of(text: str) -> list[int]:
    """The characters of spoken text as places in ALPHABET, from 1.

    Raises:
        ValueError: one is not in it.
    """
    return [ALPHABET.index(character) + 1 for character in text]


def text_of(letters: Sequence[int]) -> str:
    """Letters as text. See `letters_of`.

    Raises:
        ValueError: one is not from 1 to 28.
    """
    if not all(1 <= letter <= len(ALPHABET) for letter in letters):
        raise ValueError(f"letters are from 1 to {len(ALPHABET)}; these are {list(letters)}")
    return "".join(ALPHABET[letter - 1] for letter in letters)


def _in_words(number: int, kind: str = "cardinal") -> str:
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


def _without_quotes(text: str) -> str:
    """Takes single quotation marks from around words, and leaves the apostrophes in, before and after them.

    At the end of a word it closes a quotation where one is open, and stands for a letter only where it often does.
    """
    words, is_open = [], False
    for word in text.split():
        if word[0] == "'" and not ELISION.match(word):
            word, is_open = word[1:], word != "'"
        if word.endswith("'") and (is_open or not ELIDED.fullmatch(word)):
            word, is_open = word[:-1], False
        words.append(word)
    return " ".join(filter(None, words))


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
        lambda m: _in_words(int(m[1].replace(",", "")), "ordinal"),
    ),
    (r"'?(?<![0-9.,])([0-9]{1,4})'?s(?![a-z])", lambda m: _plural_words(m[1])),
    (r"(?<![0-9/.,])(?:([0-9]{1,6})[\s-]+)?([0-9]{1,3})/([0-9]{1,3})(?![0-9/])", _fraction),
    (AMOUNT, lambda m: year_words(m[1])),
)
