"""Text as it is spoken: numbers, abbreviations, acronyms, quotation marks, and anything at all."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.text import (
    ALPHABET,
    JOINT,
    expand_abbreviations,
    expand_acronyms,
    expand_numbers,
    expanded,
    letters_of,
    spoken,
    text_of,
)

SAID = {
    # words
    "": "",
    "?!... -- 漢字 Москва ٣ [beep]": "",
    "The  Quick,\nbrown\tFOX.": "the quick brown fox",
    "Café naïve Cæsar Ærø Straße": "cafe naive caesar aero strasse",
    "well-known—yes – no": "well known yes no",
    "so\u00adft ﬁne": "soft fine",
    "[beep] hello (he laughs) [12]": "hello he laughs",
    "THE DOG CAN'T GO, YOU'LL SEE": "the dog can't go you'll see",
    # apostrophes
    "Don’t at 5 o’clock!": "don't at five o'clock",
    "the prisoners' cells": "the prisoners' cells",
    "“Hello,” ‘hello,’ 'hello' ''hello''": "hello hello hello hello",
    "'Hello,' said the prisoners' friend.": "hello said the prisoners' friend",
    "'Tis rock 'n' roll, goin' on; 'twasn't": "'tis rock 'n' roll goin' on 'twasn't",
    # signs
    "R&D @ 10% + 5 = x": "r and d at ten percent plus five equals x",
    "-5°, 3 × 4 m²": "minus five degrees three times four m squared",
    "C# and F#m, B♭, #5": "c sharp and f sharp m b flat number five",
    "3 < 5, x>=2 and 2 > y, a<b>, I <3 -> > so": "three less than five x greater than or equal to two and two greater than y a b i three so",
    # addresses
    "See example.com/a. Then (https://www.b.org/c-d/?e=1).": "see example dot com slash a then w w w dot b dot org slash c dash d slash question mark e equals one",
    "a@b.org, j_doe@x.co.uk": "a at b dot org j underscore doe at x dot co dot uk",
    "and/or, Node.js, 9/11, e.g./i.e.": "and or node dot js nine eleven for example that is",
    # Roman numbers
    "Louis XIV, Pope Benedict XVI, King Zog II": "louis the fourteenth pope benedict the sixteenth king zog the second",
    "Chapter XIV, chapter xi, chapter XI, Rocky IV, Super Bowl LVIII": "chapter fourteen chapter xi chapter eleven rocky four super bowl fifty eight",
    "the XIV century, the IV drip, this part I like, Malcolm X, Appendix C": "the fourteenth century the iv drip this part i like malcolm x appendix c",
    # money
    "$3.50": "three dollars and fifty cents",
    "$1 $1.01 $0.50 $.05 $0": "one dollar one dollar and one cent fifty cents five cents zero dollars",
    "£1.50, £0.01, €5 or 5€": "one pound and fifty pence one penny five euros or five euros",
    "$3.5 million and £5m": "three point five million dollars and five million pounds",
    "$1,000,000.00": "one million dollars",
    "$1234567": "one million two hundred and thirty four thousand five hundred and sixty seven dollars",
    "$1833": "one thousand eight hundred and thirty three dollars",
    # numbers
    "in 1833, 1905, 1900 and 2005": "in eighteen thirty three nineteen oh five nineteen hundred and two thousand and five",
    "the 1860s, 1860's and '60s": "the eighteen sixties eighteen sixties and sixties",
    "the 19th, 21st and 1,000th": "the nineteenth twenty first and one thousandth",
    "1,234 men and 105": "one thousand two hundred and thirty four men and one hundred and five",
    "3.14, 0.5 and .5": "three point one four zero point five and point five",
    "1/2, 2/3, 3/4, 9/11": "one half two thirds three quarters nine eleven",
    "3 1/2 and 2½ and 1⅞": "three and a half and two and a half and one and seven eighths",
    "10:30 10:05 12:00 15:00": "ten thirty ten oh five twelve o'clock fifteen hundred",
    "10:30:00 1:00:05 2/3rds": "ten thirty one o'clock and five seconds two thirds",
    "10:00 a.m., 9 PM, 8am": "ten a m nine p m eight a m",
    "007 5551234": "zero zero seven five five five one two three four",
    "555-1234": "five five five one two three four",
    "(555) 123-4567": "five five five one two three four five six seven",
    "1000000 H2O 5'10\"": "one million h two o five ten",
    "No. 5, #6, Nos. 7, № 8. No. I won't": "number five number six numbers seven number eight no i won't",
    # abbreviations
    "Mr. and MRS SMITH, Dr Who": "mister and missus smith doctor who",
    "Messrs. Jones & Co., Ltd.": "messieurs jones and company limited",
    "St. Paul of Baker St. vs. St Louis": "saint paul of baker street versus saint louis",
    "e.g. this, i.e. that, etc.": "for example this that is that et cetera",
    "J. R. Smith Jr., Esq., Sr.": "j r smith junior esquire senior",
    "Gen. Grant, Col. X, Capt. Y, Lt. Z, Hon. A, Rev. B": "general grant colonel x captain y lieutenant z honorable a reverend b",
    "Rev up the gen, hon": "rev up the gen hon",
    "Nov. 22, 1963": "november twenty second nineteen sixty three",
    "on Main St. The bus; Dec 25, Mar. 5, 5 Sept 1990": "on main street the bus december twenty fifth march fifth the fifth of "
    "september nineteen ninety",
    "a PhD, a Ph.D., approx. 5": "a p h d a p h d approximately five",
    "Francis X. Bush and Elizabeth I of England": "francis x bush and elizabeth the first of england",
    "see example.com": "see example dot com",
    # dates and measures
    "4 July 1776, April 1-3": "the fourth of july seventeen seventy six april first to third",
    "25/12/2024": "the twenty fifth of december twenty twenty four",
    "5-10 people, 500-1500 men, 3-2": "five to ten people five hundred to fifteen hundred men three two",
    "1250 kg at 100 km/h": "one thousand two hundred and fifty kilograms at one hundred kilometers an hour",
    "July 4, 1776, on May 5th, March 3": "july fourth seventeen seventy six on may fifth march third",
    "I told John I was to march 3 miles": "i told john i was to march three miles",
    "2024-03-01 or 12/25/2024, not 13/13/2024": "march first twenty twenty four or december twenty fifth twenty twenty four not "
    "thirteen thirteen twenty twenty four",
    "1914-1918, May 1860": "nineteen fourteen to nineteen eighteen may eighteen sixty",
    "10 kg, 1 ft and 3.5 GB": "ten kilograms one foot and three point five gigabytes",
    "World War II, Henry VIII, Chapter IV; I, part IL": "world war two henry the eighth chapter four i part il",
    # acronyms
    "the U.S., the B.B.C. and the FBI": "the u s the b b c and the f b i",
    "U.S.A's MPs, 'BBC' CD's": "u s a's m p's b b c c d's",
    "tell US of the US Army": "tell us of the u s army",
    "HMM, NASA, MY MP3": "hmm nasa my m p three",
}


@pytest.mark.parametrize("text", SAID)
def test_text_as_it_is_said(text):
    assert spoken(text) == SAID[text]


@pytest.mark.parametrize("text, kept", [
    ("at 5 p.m. We left", "p·m. "), ("at 5 p.m. we left", "p·m "), ("the U.S. He", "u·s. "), ("the U.S. Army", "u·s "),
    ("etc. Then", "cetera. Then"), ("Dr. He", "doctor He"), ("Acme Ltd.", "limited."), ("the BBC", "b·b·c"),
])  # fmt: skip
def test_a_dot_may_end_a_sentence_too(text, kept):
    assert kept in " ".join(expanded(text, JOINT).split()) + " "


def test_expansions_stand_alone():
    assert expand_abbreviations("Dr. No").split() == ["doctor", "No"]
    assert expand_acronyms("the BBC").split() == ["the", "b", "b", "c"]
    assert expand_numbers("Room 7").split() == ["Room", "seven"]


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=4),
            st.sampled_from(
                [*"0123456789.,:/-'$£%°_½²[] ", "Mr", "vs", "St.", "No.", "'tis", "s'", "US", "BBC", "am", "th", "million"]
            ),
        ),
        max_size=20,
    ).map("".join)
)
def test_what_is_spoken_is_plain_and_stays_so(text):
    said = spoken(text)
    assert set(said) <= set(ALPHABET)
    assert said == " ".join(said.split())
    assert spoken(said) == said
    assert text_of(letters_of(said)) == said


@pytest.mark.parametrize("sign", ["9", "0", "1,000,", "1.", "+1 ", "a.", "'", "[", "1/", "$", "1:30", "1-", "é"])
def test_long_runs_take_no_time_and_do_not_fail(sign):
    assert set(spoken(sign * 5000)) <= set(ALPHABET)


def test_letters():
    assert letters_of(" 'az") == [1, 2, 3, 28]
    assert text_of([3, 1, 28, 2]) == "a z'"
    with pytest.raises(ValueError, match="substring"):
        letters_of("A")
    for wrong in (0, 29, -1):
        with pytest.raises(ValueError, match="letters are from 1 to 28"):
            text_of([wrong])


def test_long_runs_of_digits_are_read_in_time_that_grows_with_them():
    began = time.process_time()
    assert len(spoken("7" * 30_000).split()) == 30_000
    assert time.process_time() - began < 10  # a minute and more where each digit looks at all that follow
