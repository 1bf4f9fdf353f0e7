"""Text as it is read: the lexicon, endings, parts of speech, pauses."""

import pytest

from melodia.errors import ConfigError
from melodia.pronunciation.lexicon import letters_apart, look_up, ongoing, past, plural
from melodia.pronunciation.phonemes import SIGNS, SOUNDS, numbers_of, signs_of, sounds_of, stressed
from melodia.pronunciation.pronounce import emphasised, of_phonemes, phonemes_of, pronounce, sentences, sounds_in


def read(text):
    return phonemes_of(pronounce(text, lambda word: f"({word})"))


@pytest.mark.parametrize("text, phonemes", [
    ("The light rain fell.", "ðə lˈIt ɹˈAn fˈɛl."),
    ("Wait, the apple?", "wˈAt, ði ˈæpᵊl?"),
    ("We met on 2nd St. in 1984", "wi mˈɛt ˌɔn sˈɛkənd stɹˈit ɪn nˌIntˈin ˈAɾi fˈɔɹ"),
    ("It cost $3.50", "ɪt kˈɔst θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts"),
    ("the BBC", "ðə bˌibˌisˈi"),
    ("Hello... world -- again", "həlˈO… wˈɜɹld— əɡˈɛn"),
    ("'Quoted' and (bracketed)", "kwˈOɾᵻd ænd, bɹˈækəɾᵻd,"),
])  # fmt: skip
def test_what_is_read(text, phonemes):
    assert read(text).startswith(phonemes)


@pytest.mark.parametrize("text, word", [
    ("I will record it", "ɹəkˈɔɹd"), ("a record", "ɹˈɛkəɹd"), ("they live here", "lˈɪv"), ("the live show", "lˈIv"),
    ("it was close", "klˈOs"), ("to close it", "klˈOz"), ("I have read it", "ɹˈɛd"), ("to read it", "ɹˈid"),
    ("I used to go", "jˈust"), ("is that it", "ðæt"), ("like that", "ðˈæt"),
])  # fmt: skip
def test_parts_of_speech(text, word):
    assert word in read(text).split()


@pytest.mark.parametrize("word, said", [
    ("cats", "kˈæts"), ("dog's", "dˈɔɡz"), ("dogs'", "dˈɔɡz"), ("foxes", "fˈɑksᵻz"), ("hugged", "hˈʌɡd"), ("she'll", "ʃil"),
])  # fmt: skip
def test_endings(word, said):
    assert look_up(word).replace("ᵊ", "") == said.replace("ᵊ", "")


def test_endings_follow_the_sound_before_them():
    assert [plural(s) for s in ("kæt", "dɔɡ", "fɑks")] == ["kæts", "dɔɡz", "fɑksᵻz"]
    assert [past(s) for s in ("wɔk", "hʌɡ", "nid", "wAt", "sɔlt")] == ["wɔkt", "hʌɡd", "nidᵻd", "wAɾᵻd", "sɔltᵻd"]
    assert [ongoing(s) for s in ("wɔk", "wAt")] == ["wɔkɪŋ", "wAɾɪŋ"]


def test_words_that_nobody_knows_are_spelt_out():
    said = pronounce("The zorblax hums", lambda word: "zˈɔɹblæks")
    assert phonemes_of(said).startswith("ðə zˈɔɹblæks ") and [one.known for one in said] == [True, False, True]
    assert look_up("zorblax") is None


def test_letters_have_names():
    assert letters_apart("ab") == "ˌAbˈi" and read("x") == "ˈɛks" and read("a b c").endswith("sˈi")


def test_stress():
    assert stressed("ɪn") == "ˈɪn" and stressed("ˌɪntu") == "ˈɪntu"
    assert emphasised(pronounce("into", str)[0]).phonemes.count("ˈ") == 1


def test_pauses_stand_alone_and_sentences_end():
    said = pronounce("One,, two. Three? " + "word " * 100, str)
    assert phonemes_of(said).startswith("wˈʌn, tˈu. θɹˈi? ")
    runs = list(sentences(said))
    assert [run[-1].phonemes for run in runs[:2]] == [".", "?"] and len(runs) > 3
    assert sum(map(len, runs)) == len(said) and all(len(phonemes_of(run)) < 260 for run in runs)


def test_phonemes_can_be_given():
    said = of_phonemes("ðə  lˈIt, ɹˈAn.")
    assert phonemes_of(said) == "ðə lˈIt, ɹˈAn." and signs_of(numbers_of("ðə lˈIt")) == "ðə lˈIt"
    with pytest.raises(ConfigError, match=r"phonemes: 'x' is none; there are "):
        of_phonemes("lˈIx")
    assert len(set(SIGNS)) == len(SIGNS)


def test_sounds_are_phonemes_alone():
    assert [SOUNDS[sound - 1] for sound in sounds_of("wˈAɾɪŋ, ðᵊ")] == list("wAtɪŋðə")
    assert sounds_in("Two cats.") == sounds_of("tukæts") and sounds_in("a zorblax") is None and sounds_in("...") == []
