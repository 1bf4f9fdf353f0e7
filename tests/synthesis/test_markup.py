"""SSML: what each tag does, and what is refused."""

import pytest

from melodia.errors import ConfigError
from melodia.synthesis.markup import parse_markup
from melodia.synthesis.reading import phonemes_of, read
from melodia.synthesis.spans import seconds_of


def said(text, **options):
    return [phonemes_of(sentence) for sentence in read(text, **options)]


def styles(text):
    return {s.words[u.word]: (u.rate, round(u.semitones, 2), u.emphasis) for s in read(text) for u in s.units if u.word >= 0}


def test_paragraphs_and_sentences_end():
    assert said("<speak><p>One cat</p><p>two</p><s>three</s>four</speak>") == ["wˈʌn kˈæt.", "tˈu.", "θɹˈi.", "fˈɔɹ."]


@pytest.mark.parametrize("tag, seconds", [
    ('<break time="300ms"/>', 0.3), ('<break time="1.5s"/>', 1.5), ('<break strength="strong"/>', 0.8), ("<break/>", 0.5),
])  # fmt: skip
def test_pauses(tag, seconds):
    (sentence,) = read(f"<speak>One {tag} cat</speak>")
    assert [(u.sign, u.pause) for u in sentence.units if u.word < 0][:1] == [(",", seconds)]
    first, _ = read(f"<speak>One. {tag} Cat</speak>")
    assert (first.units[-1].sign, first.units[-1].pause) == (".", seconds)


def test_no_pause():
    assert said('<speak>One<break strength="none"/> cat</speak>') == ["wˈʌn kˈæt."]


def test_styles():
    found = styles('<speak>One <prosody rate="80%" pitch="+2st">two <prosody rate="fast" pitch="-50%">three</prosody></prosody> '
                   '<emphasis level="strong">four</emphasis> <emphasis>five</emphasis> <emphasis level="reduced">six</emphasis></speak>')  # fmt: skip
    assert found["one"] == (1, 0, 0) and found["two"] == (0.8, 2, 0) and found["three"] == (pytest.approx(1.04), -10, 0)
    assert [found[w][2] for w in ("four", "five", "six")] == [2, 1, -1]


def test_what_is_said_instead():
    assert said('<speak>You say <phoneme alphabet="ipa" ph="təˈmeɪtoʊ">tomato</phoneme>, <sub alias="doctor">D.</sub></speak>') == [
        "ju sˈA təmˈAtO, dˈɑktəɹ."
    ]
    assert said('<say-as interpret-as="characters">ab1</say-as>') == ["ˌAbˈi wˈʌn."]
    assert said('<say-as interpret-as="digits">105</say-as>') == said("one zero five")
    assert said('<say-as interpret-as="ordinal">3</say-as> <say-as interpret-as="cardinal">1984</say-as>') == said(
        "third one thousand nine hundred and eighty four"
    )
    assert said('<say-as interpret-as="date">2024-03-01</say-as>') == said("2024-03-01")


def test_what_is_said_instead_is_said_once():
    assert said('<phoneme ph="təmˈɑtO">One. Two! Three</phoneme> cats.') == ["təmˈɑtO.", "kˈæts."]


def test_telephones_have_letters_too():
    tag = '<say-as interpret-as="telephone">+1-800-ABC 22</say-as>'
    assert said(tag) == ["plˈʌs wˈʌn, ˈAt zˈɪɹO zˈɪɹO, ˌAbˌisˈi, tˈu tˈu."]


def test_unknown_tags_are_told_once_and_their_text_is_read():
    notices = []
    assert said("<speak>a <foo>cat</foo> <foo>sat</foo></speak>", notices=notices.append) == said("a cat sat")
    assert len(notices) == 1 and "line 1, column 10: <foo> is not known" in notices[0]


@pytest.mark.parametrize("text, message", [
    ("<speak>a\n<b></speak>", "line 2, column 6: mismatched tag"), ("<p>a</b>", "line 1, column 7"),
    ("<speak>&nbsp;</speak>", "undefined entity"), ('<speak>\n<break time="soon"/></speak>', "line 2, column 1: pause: 'soon' is no time"),
    ('<prosody rate="1000%">a</prosody>', "column 1: prosody: out of range"), ('<emphasis level="big">a</emphasis>', "level: 'big'"),
    ('<phoneme ph="qqq">a</phoneme>', "no phoneme"), ('A <phoneme alphabet="x-sampa" ph="t">a</phoneme>', "'x-sampa' is not known; it must be ipa"), ("<phoneme>a</phoneme>", "no ph"), ('<break time="9999s"/>a', "out of range"),
])  # fmt: skip
def test_refusals_say_where(text, message):
    with pytest.raises(ConfigError, match=message):
        list(read(text))


def test_bombs_are_refused():
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    with pytest.raises(ConfigError, match="document type"):
        list(read(f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a0 "ha">{entities}]><speak>&a9;</speak>'))
    with pytest.raises(ConfigError, match="document type"):
        list(read('<!DOCTYPE s SYSTEM "file:///etc/passwd"><speak>a</speak>'))
    assert len(parse_markup("<p>" * 50_000 + "deep" + "</p>" * 50_000)) == 100_001


def test_plain_text_with_signs_is_plain():
    assert said("a < b & c") == said("a less than b and c") and said("I <3 you", markup=False) == said("I 3 you")
    notices = []
    assert said("Use the <p> tag", notices=notices.append) == said("use the p tag") and "read as plain text" in notices[0]
    with pytest.raises(ConfigError, match="mismatched tag"):
        said("Use the <p> tag", markup=True)
    assert said("<p>cat</p>", markup=False) == said("p cat p")


def test_times():
    assert [seconds_of(t) for t in ("300ms", "1.5s", " 2 ", ".5s")] == [0.3, 1.5, 2.0, 0.5]
