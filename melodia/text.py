"""English text as it is spoken: lower-case words of letters and apostrophes, one space between.

Numbers are read as `melodia.numbers` has them. Of abbreviations those are expanded that are seldom anything else. Text that is
spoken already comes back as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from melodia.addresses import expand_addresses
from melodia.numbers import MONTHS, expand_dates, expand_numbers, in_words, roman

RULES = 3  # number of these rules: with another one, prepared texts are read anew
ALPHABET = " 'abcdefghijklmnopqrstuvwxyz"  # letter 1 is the space between words; 0 is left to the CTC blank
ALWAYS = {  # with a dot or none, in any case
    "mr": "mister", "mrs": "missus", "messrs": "messieurs", "dr": "doctor", "jr": "junior", "sr": "senior", "ltd": "limited",
    "esq": "esquire", "capt": "captain", "lt": "lieutenant", "sgt": "sergeant", "vs": "versus", "etc": "et cetera", "ok": "okay",
    "approx": "approximately",
}  # fmt: skip
DOTTED = {  # with a dot and a capital: these are words, or may end a sentence
    "st": "saint", "co": "company", "gen": "general", "col": "colonel", "hon": "honorable", "rev": "reverend",
    "prof": "professor", "maj": "major", "gov": "governor", "sen": "senator", "mt": "mount", "jan": "january", "feb": "february",
    "inc": "incorporated", "corp": "corporation", "fig": "figure",
    "apr": "april", "aug": "august", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
}  # fmt: skip
SPELLED = {  # acronyms with vowels; others in capitals are words
    "ABC", "AI", "AKA", "AOL", "API", "ATM", "BA", "BMI", "CEO", "CFO", "CIA", "CIO", "CPU", "DIY", "DNA", "EKG", "ESP",
    "ETA", "EU", "FAQ", "FBI", "GPA", "GPU", "HIV", "IBM", "IOU", "IPO", "IQ", "IRS", "ISBN", "MBA", "MRI", "NBA",
    "NCAA", "RNA", "TBA", "UAE", "UFO", "UK", "UN", "URL", "USA", "USB", "USSR", "UV", "VIP",
}  # fmt: skip
MONTHS_CUT = {month[:3].capitalize(): month.capitalize() for month in MONTHS} | {"Sept": "September"}  # beside a day
JOINT = "·"  # between the letters of an acronym, where they are to be known
LAST = {"jr", "sr", "ltd", "esq", "etc", "co", "inc", "corp"}  # abbreviations that may end a sentence
BEGINS = r"(?-i:\s+(?:I|An?|The|Th[a-z]+|H[eo][a-z]*|She|W[eh][a-z]*|It[a-z]*|In|On|At|But|And|Or|So|If|As|Our|You[a-z]*)\b|\s*$)"
DOT = rf"(?:(\.)(?={BEGINS})|\.?)"  # of an abbreviation: caught if it ends a sentence too, as what begins another follows
KINGS = {
    "Henry", "Edward", "George", "Charles", "James", "William", "Richard", "Louis", "Philip", "Elizabeth", "Mary", "Napoleon",
    "Frederick", "Alexander", "Nicholas", "Pius", "Paul", "John", "Francis", "Ferdinand", "Leopold", "Otto", "Catherine",
    "Benedict", "Gregory", "Leo", "Clement", "Innocent", "Urban", "Boniface", "Peter", "Ivan", "Christian", "Gustav", "Haakon",
    "Harald", "Olaf", "Alfonso", "Felipe", "Umberto", "Victor", "Emmanuel", "Robert", "David", "Joseph", "Rudolf",
    "Maximilian", "Wilhelm", "Ramses", "Ramesses", "Ptolemy", "Darius", "Constantine", "Baldwin", "Julius", "Sixtus", "Carlos",
}  # fmt: skip
TITLES = "King|Queen|Pope|Emperor|Empress|Tsar|Prince|Princess|Sultan|Pharaoh"  # a number after the next word is of a person
NUMBERED = {
    "war", "chapter", "part", "book", "volume", "act", "scene", "type", "phase", "appendix", "figure", "table", "lesson", "section",
}  # fmt: skip
UNNUMBERED = {
    "the",
    "a",
    "an",
    "this",
    "that",
    "his",
    "her",
    "its",
    "my",
    "your",
    "our",
    "their",
    "on",
    "by",
    "with",
    "and",
    "or",
    "i",
}
COMPARED = {"<=": "less than or equal to", ">=": "greater than or equal to", "<": "less than", ">": "greater than"}
COMPARISON = re.compile(r"(?<=[^\s<>=-])(\s?)([<>]=?)\1(?:(?<=\s)(?=[^\s<>=])|(?=[-+.$]?[0-9]))")  # 3 < 5, x<5, but no <tag>
INTERJECTIONS = {"BRR", "GRR", "HM", "HMM", "MM", "MMM", "NTH", "PSST", "PST", "SH", "SHH", "TSK", "ZZZ"}  # no acronyms
SIGNS = {
    "&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "°": "degrees", "−": "minus", "×": "times", "²": "squared",
    "³": "cubed", "♯": "sharp", "♭": "flat", "≤": "less than or equal to", "≥": "greater than or equal to",
}  # fmt: skip
LOOKS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "‛": "'", "º": "°", "№": "No. ", "_": " "}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ß": "ss", "ẞ": "SS", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"ð": "th", "Ð": "Th", "þ": "th", "Þ": "Th", "ı": "i"}
    | {sign: f" {word} " for sign, word in SIGNS.items() if sign in "²³"}  # before they decompose to digits
    | dict.fromkeys("⁰¹⁴⁵⁶⁷⁸⁹™©®")  # notes at the foot of a page, and what is not read
)
ELISION = re.compile(r"'(?:tis|twas|twere|twill|twould|em|cause|til|till|round|bout|neath|gainst|n)(?:n't)?\b")
ELIDED = re.compile(r".+(?:s|in)'|(?:o|an|ol|th|'n)'")  # words that may end with an apostrophe


def spoken(text: str) -> str:
    """What a reader would say; "" where there is nothing to say. Asides in square brackets are not read."""
    return " ".join(filter(None, unquoted(re.sub("[^a-z']+", " ", re.sub("''+", " ", expanded(text).lower())).split())))


def expanded(text: str, joint: str = " ") -> str:
    """Text with numbers, signs, abbreviations and acronyms in words, and the rest of its punctuation.

    Args:
        text: as it is written; what stands in square brackets is left out.
        joint: what stands between the letters of an acronym.
    """
    text = COMPARISON.sub(lambda m: f" {COMPARED[m[2]]} ", expand_addresses(text))
    text = "".join(c for c in re.sub("([¼-¾⅐-⅞])", r" \1", text).translate(LOOKS) if unicodedata.category(c) != "Cf")
    text = "".join(c for c in unicodedata.normalize("NFKD", text).translate(LOOKS) if unicodedata.category(c) != "Mn")
    text = re.sub(r"\[[^\[\]]*\]", " ", text.replace("⁄", "/"))
    text = expand_numbers(expand_acronyms(expand_dates(expand_abbreviations(text.replace(JOINT, " "), joint)), joint))
    text = re.sub(r"(?<=[A-Za-z]{2})\.(?=[a-z]{2})", " dot ", text)  # example.com
    for sign, word in SIGNS.items():
        text = text.replace(sign, f" {word} ")
    return text


def expand_abbreviations(text: str, joint: str = " ") -> str:
    """Titles, months and the like in full; a dot that also ends a sentence stays."""
    text = re.sub(r"(?<![A-Za-z])[Ee]\.\s?g\.", "for example", text)
    text = re.sub(r"(?<![A-Za-z])[Ii]\.\s?e\.", "that is", text)
    text = re.sub(rf"(?<![A-Za-z])Ph\.?\s?D\b{DOT}", lambda m: joint.join("phd") + _stop(m[1]), text)
    text = re.sub(
        rf"(?<=[0-9])\s?([ap])\.?m(?![A-Za-z]){DOT}", lambda m: f" {m[1]}{joint}m{_stop(m[2])} ", text, flags=re.IGNORECASE
    )
    text = re.sub(r"(?<![A-Za-z])N[oO](s?)\.\s*(?=[0-9])", lambda m: f"number{m[1]} ", text)
    text = re.sub(r"(?<![A-Za-z0-9])([A-G])#", r"\1♯", text)
    text = re.sub(r"#(?=[0-9])", "number ", text)
    text = re.sub(rf"(?<=[a-z] )St\.(?:(?=({BEGINS}))|(?!\s+[A-Z]))", lambda m: "street" + ("." if m[1] is not None else ""), text)
    text = re.sub(rf"(?<![A-Za-z])({'|'.join(MONTHS_CUT)})\.?(?= [0-9]{{1,2}}\b)", lambda m: MONTHS_CUT[m[1]], text)
    text = re.sub(rf"(?<=[0-9] )({'|'.join(MONTHS_CUT)})(?![A-Za-z.])", lambda m: MONTHS_CUT[m[1]], text)
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
    text = re.sub(r"\b([IVX]{2,})(?=\s+[Cc]entur)", lambda m: in_words(roman(m[1]), "ordinal") if roman(m[1]) else m[0], text)
    named = rf"\b((?:{TITLES})\s+)?([A-Za-z]+)\s+([IVXL]+)\b(?=(\.(?!{BEGINS})\s+[A-Z])?)(?=( of [A-Z]|'s)?)"
    text = re.sub(named, _numbered, text)
    dotted = rf"(?<![A-Za-z])((?:[A-Za-z]\.)+[A-Za-z])(?![A-Za-z])(?:\.('s)|{DOT}('s)?)"
    text = re.sub(dotted, lambda m: joint.join(m[1].replace(".", "").lower()) + (m[2] or m[4] or "") + _stop(m[3]) + " ", text)
    text = re.sub(r"(?<=\b[Tt]he )US(?![A-Za-z'])|(?<![A-Za-z'])US(?= [A-Z][a-z])", f"u{joint}s", text)

    def apart(match: re.Match[str]) -> str:
        word = match[1]
        if word in SPELLED or (word not in INTERJECTIONS and not set(word) & set("AEIOUY")):
            return joint.join(word.lower()) + ("'s" if match[2] else "")
        return match[0]

    return re.sub(r"(?<![A-Za-z0-9])(?<![A-Za-z]')([A-Z]{2,})('[sS]|s)?(?![A-Za-z])(?!'[A-Za-z])", apart, text)


def _numbered(match: re.Match[str]) -> str:
    """World War II, chapter IV, Rocky III: a number; Henry VIII, King Zog II: the eighth, the second."""
    title, name, numeral = match[1] or "", match[2], match[3]
    value = roman(numeral)
    if title or name.capitalize() in KINGS:
        if value and (match[5] or numeral != "I") and not (len(numeral) == 1 and match[4]):
            return f"{title}{name} the {in_words(value, 'ordinal')}"
        return match[0]  # "I told John I was there", "Francis X. Bush"
    signs = (name[0].isupper(), name.lower() in NUMBERED, len(numeral) > 1)  # two of these make it a number
    return f"{name} {in_words(value)}" if value and sum(signs) > 1 and name.lower() not in UNNUMBERED else match[0]


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


def unquoted(words: Sequence[str]) -> list[str]:
    """Takes single quotation marks from around words in small letters, and leaves the apostrophes in, before and after them.

    At the end of a word it closes a quotation where one is open, and stands for a letter only where it often does.
    """
    found, is_open = [], False
    for word in words:
        if word.startswith("'") and not ELISION.match(word):
            word, is_open = word[1:], word != "'"
        if word.endswith("'") and (is_open or not ELIDED.fullmatch(word)):
            word, is_open = word[:-1], False
        found.append(word)
    return found
