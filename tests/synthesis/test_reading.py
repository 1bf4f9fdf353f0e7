"""Text -> units: sentences, pauses, styles, and what cannot be read."""

import time

import pytest

from melodia.errors import ConfigError
from melodia.pronunciation.ipa import signs_of_word
from melodia.pronunciation.phonemes import CONSONANTS, STOPS, VOWELS
from melodia.synthesis.reading import LONGEST, Unit, emphasised, phonemes_of, read, read_phonemes
from melodia.synthesis.sentences import cleaned, stretches


def said(text, **options):
    return [phonemes_of(sentence) for sentence in read(text, **options)]


def texts(text):
    return [sentence.text for sentence in read(text)]


def test_units_are_phonemes_blanks_and_pauses_in_order():
    (sentence,) = read("Wait, cat!")
    assert sentence.words == ("wait", "cat") and phonemes_of(sentence) == "wˈAt, kˈæt!"
    assert [u.sign for u in sentence.units] == list("wAt, kæt!")
    assert sentence.units[1] == Unit("A", 1, 0) and sentence.units[3] == Unit(",") and sentence.units[4].word == -1


@pytest.mark.parametrize("text, sentences", [
    ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
    ("hello. how are you", ["hello.", "how are you"]),
    ("Mr. Smith met J. R. Jones at 5 p.m. on Jan. 3. He left.", ["Mr. Smith met J. R. Jones at 5 p.m. on Jan. 3.", "He left."]),
    ('"Why?" she asked. He said: "No!" Then he left.', ['"Why?" she asked.', 'He said: "No!"', "Then he left."]),
    ("Bread, eggs, etc. They cost 3.50 dollars.", ["Bread, eggs, etc.", "They cost 3.50 dollars."]),
    ("Wait... what is it", ["Wait... what is it"]), ("Wait... What is it", ["Wait...", "What is it"]),
    ("A title\n\nA line\nthat goes on", ["A title", "A line\nthat goes on"]),
    ("- eggs\n- milk", ["- eggs", "- milk"]), ("See e.g. this. No. 5 is plan B. Then on.", ["See e.g. this.", "No. 5 is plan B.", "Then on."]),
])  # fmt: skip
def test_sentences(text, sentences):
    assert texts(text) == sentences


def test_a_sentence_ends_with_a_stop():
    assert said("cat") == ["kˈæt."] and said("cat,") == ["kˈæt."] and said("cat?") == ["kˈæt?"] and said("cat:") == ["kˈæt:"]


@pytest.mark.parametrize("text, same", [
    ("It cost $3.50", "It cost three dollars and fifty cents"), ("on 3/4/2024", "on march fourth, twenty twenty four"),
    ("at 10:30", "at ten thirty"), ("42 cats, 1st", "forty two cats, first"), ("100%", "one hundred percent"), ("café", "cafe"),
])  # fmt: skip
def test_numbers_dates_and_money_are_words(text, same):
    assert said(text) == said(same)


def test_words_that_no_lexicon_has_are_spelled_or_given_to_a_speller_once():
    asked = []

    def speller(words):
        asked.append(list(words))
        return dict.fromkeys(words, "zˈɔɹblæks")

    assert said("A zorblax. A zorblax!", speller=speller) == ["ɐ zˈɔɹblæks.", "ɐ zˈɔɹblæks!"] and asked == [["zorblax"]]
    assert said("zxq") == ["zˌiˌɛkskjˈu."]
    assert said("bzzt", speller=lambda words: {}) == [said("bzzt")[0]]


def test_long_sentences_are_cut_at_pauses_or_between_words():
    whole = " ".join(["cat"] * 60) + ", " + " ".join(["dog"] * 60)
    parts = list(read(whole))
    assert all(len(part.units) <= LONGEST for part in parts)
    assert [word for part in parts for word in part.words] == ["cat"] * 60 + ["dog"] * 60
    assert not any("cat" in part.words and "dog" in part.words for part in parts)
    for part in parts:
        assert part.units[-1].sign in STOPS and part.units[0].word == 0
        assert sorted({u.word for u in part.units if u.word >= 0}) == list(range(len(part.words)))
    assert parts[-1].units[-1].sign == "." and parts[0].units[-1].sign == ","


def test_every_sign_is_one_that_a_voice_knows():
    known = set(VOWELS + CONSONANTS + STOPS + " ")
    for sentence in read('The U.S. spent $1,000,000 (or so) -- really?! On 12 Oct. 1999: "zorblax\'s" + naïve… [pause 1s] *ok*.'):
        assert {u.sign for u in sentence.units} <= known


def test_marks_of_plain_text():
    (sentence,) = read("I *really* mean **it all** [pause 1.5s] now, 5 * 3 * 2.")
    emphasis = {sentence.words[u.word]: u.emphasis for u in sentence.units if u.word >= 0}
    assert emphasis["really"] == 1 and emphasis["it"] == emphasis["all"] == 2 and emphasis["now"] == emphasis["five"] == 0
    assert [u.pause for u in sentence.units if u.sign in STOPS] == [1.5, None, None]
    assert said("the *apple*") == ["ði *ˈæpᵊl*."]  # words beside it are said as if it had no marks
    with pytest.raises(ConfigError, match="pause: 99999.0 is out of range"):
        said("wait [pause 99999s]")


def test_a_pause_between_sentences_is_of_the_stop_before_it():
    first, second = read("One. [pause 2s] Two.")
    assert first.units[-1] == Unit(".", pause=2.0) and second.words == ("two",)


def test_emphasis_on_words_by_name():
    (sentence,) = read("The cat and the dog")
    assert {u.word for u in emphasised(sentence, {"cat", "dog"}).units if u.emphasis} == {1, 4}


@pytest.mark.parametrize("text", ["", "   \n", "...", "[aside]", "\x00\x07", "---", "\ud800"])
def test_nothing_to_read(text):
    with pytest.raises(ConfigError, match="nothing in it that can be read aloud"):
        list(read(text))


def test_another_script_is_told():
    with pytest.raises(ConfigError, match="Cyrillic: П р и в е т м"):
        read("Привет мир")
    notices = []
    assert said("Hello мир 😀 ½", notices=notices.append) == said("Hello one half")
    assert len(notices) == 1 and "м и р 😀" in notices[0]


def test_control_characters_are_no_text():
    assert said("\ufeffhel\x00lo\x1b wor\u200bld\r\n") == said("hello world")
    assert cleaned("a\u2029b\x0cc") == "a\n\nb\n\nc"
    assert cleaned("one\x07 \x1b[31mred\x1b[0m \x1b[2Jline") == "one red line"  # colours of a terminal


@pytest.mark.parametrize("text", ["The quick, brown fox. " * 45_000, "a" * 10**6, "a " * 500_000, "[pause " * 140_000])
def test_a_million_characters_begin_at_once(text):
    said("warm")
    begun = time.process_time()
    assert next(read(text)).words
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize("text", ["." * 10**6, "\n" * 10**6, '."' * 500_000, "\n " * 500_000, "*" * 10**6])
def test_what_is_no_text_takes_no_time_either(text):
    said("warm")
    begun = time.process_time()
    assert list(read(text + " a"))
    assert time.process_time() - begun < 20.0  # a square of the length would be days


def test_stretches_leave_nothing_out():
    text = 'One, two. "Three?" four\n\n' + "five " * 500 + "six." + "x" * 2500
    found = list(stretches(text))
    assert "".join(text[s.onset : s.offset] for s in found) == text and not all(s.ends for s in found)


def test_phonemes_are_read_as_they_are_printed():
    for text in ("Wait, the apple? It fell... and so on.", "Hello: world -- again!"):
        before = list(read(text))
        after = [sentence for one in before for sentence in read_phonemes(phonemes_of(one))]
        assert [s.units for s in after] == [s.units for s in before]
    assert [phonemes_of(s) for s in read_phonemes("həlˈO. wˈɜɹld\nkˈæt")] == ["həlˈO.", "wˈɜɹld.", "kˈæt."]


def test_emphasis_and_pauses_are_printed_and_read():
    (before,) = read("I *really* mean **it all**, [pause 1.5s] now [pause 2s]")
    written = phonemes_of(before)
    assert written == "ˌI *ɹˈiᵊli* mˈin **ɪt** **ˈɔl**,[pause 1.5s] nˈW.[pause 2s]"
    (after,) = read_phonemes(written)
    assert after.units == before.units
    (reduced,) = read("A <emphasis level='reduced'>cat</emphasis>")
    assert phonemes_of(reduced) == "ɐ ~kˈæt~." and [s.units for s in read_phonemes("ɐ ~kˈæt~.")] == [reduced.units]
    for wrong in ("*kˈæt", "kˈ*æt", "***kˈæt***", "**"):
        with pytest.raises(ConfigError, match="phonemes: "):
            list(read_phonemes(wrong))
    with pytest.raises(ConfigError, match="pause"):
        list(read_phonemes("kˈæt [pause long]"))


def test_phonemes_in_ipa():
    assert [signs_of_word(w) for w in ("/ˈlaɪt/", "həˈloʊ", "tʃɜː.tʃ", "ˈstreɪndʒ", "g")] == [
        "lˈIt",
        "həlˈO",
        "ʧɜʧ",
        "stɹˈAnʤ",
        "ɡ",
    ]
    for wrong, message in (
        ("qq", "'q' in 'qq' is no phoneme"),
        ("", "there are none"),
        (". ,", "there are none"),
        ("ˈ", "holds no phonemes"),
    ):
        with pytest.raises(ConfigError, match=message):
            list(read_phonemes(wrong))


def test_a_long_word_after_a_pause_is_cut_nowhere_without_words():
    parts = list(read_phonemes(", " + "kæ" * 150))
    assert all(part.words for part in parts)
