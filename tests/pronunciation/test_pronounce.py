"""Text as it is read: the lexicon, endings, parts of speech, pauses."""

import re

import pytest

from melodia.pronunciation.lexicon import entries, letters_apart, look_up, ongoing, past, plural
from melodia.pronunciation.phonemes import SOUNDS, sounds_of
from melodia.pronunciation.pronounce import pronounce, sounds_in


def read(text):
    """Phonemes, with a blank between words."""
    return re.sub(r" (?=[,.?!;:—…])", "", " ".join(one.phonemes for one in pronounce(text)))


@pytest.mark.parametrize("text, phonemes", [
    ("The light rain fell.", "ðə lˈIt ɹˈAn fˈɛl."),
    ("Wait, the apple?", "wˈAt, ði ˈæpᵊl?"),
    ("We met on 2nd St. in 1984", "wi mˈɛt ˌɔn sˈɛkənd stɹˈit ɪn nˌIntˈin ˈAɾi fˈɔɹ"),
    ("It cost $3.50", "ɪt kˈɔst θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts"),
    ("the BBC", "ðə bˌibˌisˈi"),
    ("Hello... world -- again", "həlˈO… wˈɜɹld— əɡˈɛn"),
    ("Get 'em, keep runnin', 'cause", "ɡɛt əm, kˈip ɹˈʌnɪŋ, kˈʌz"),
    ("amazon.com", "ˈæməzˌɑn dˈɑt kˈɑm"),
    ("'Quoted' and (bracketed)", "kwˈOɾᵻd ænd, bɹˈækəɾᵻd,"),
])  # fmt: skip
def test_what_is_read(text, phonemes):
    assert read(text) == phonemes


@pytest.mark.parametrize("text, word", [
    ("I will record it", "ɹəkˈɔɹd"), ("a record", "ɹˈɛkəɹd"), ("they live here", "lˈɪv"), ("the live show", "lˈIv"),
    ("it was close", "klˈOs"), ("to close it", "klˈOz"), ("I have read it", "ɹˈɛd"), ("to read it", "ɹˈid"),
    ("I used to go", "jˈust"), ("is that it", "ðæt"), ("like that", "ðˈæt"),
])  # fmt: skip
def test_parts_of_speech(text, word):
    assert word in read(text).split()


@pytest.mark.parametrize("word, said", [
    ("dog's", "dˈɔɡz"), ("dogs'", "dˈɔɡz"), ("memes", "mˈimz"), ("selfies", "sˈɛlfiz"), ("blogged", "blˈɑɡd"), ("hated", "hˈAɾᵻd"),
    ("googled", "ɡˈuɡᵊld"), ("googling", "ɡˈuɡᵊlɪŋ"), ("texted", "tˈɛkstᵻd"),
])  # fmt: skip
def test_words_with_endings_are_said_by_their_stems(word, said):
    assert word not in entries() and look_up(word) == said


def test_endings_follow_the_sound_before_them():
    assert [plural(s) for s in ("kæt", "dɔɡ", "fɑks")] == ["kæts", "dɔɡz", "fɑksᵻz"]
    assert [past(s) for s in ("wɔk", "hʌɡ", "nid", "wAt", "sɔlt")] == ["wɔkt", "hʌɡd", "nidᵻd", "wAɾᵻd", "sɔltᵻd"]
    assert [ongoing(s) for s in ("wɔk", "wAt")] == ["wɔkɪŋ", "wAɾɪŋ"]


def test_words_that_nobody_knows_have_no_phonemes():
    assert [one.phonemes for one in pronounce("The zorblax hums")] == ["ðə", "", "hˈʌmz"] and look_up("zorblax") is None


def test_pauses_do_not_follow_one_another_and_a_full_stop_is_kept():
    assert read("One,, two (three). Four") == "wˈʌn, tˈu, θɹˈi. fˈɔɹ"


def test_letters_have_names():
    assert letters_apart("ab") == "ˌAbˈi" and read("x") == "ˈɛks" and read("a b c").endswith("sˈi")


def test_sounds_are_phonemes_alone():
    assert [SOUNDS[sound - 1] for sound in sounds_of("wˈAɾɪŋ, ðᵊ")] == list("wAtɪŋðə")
    assert sounds_in("Two cats.") == sounds_of("tukæts") and sounds_in("a zorblax") is None and sounds_in("...") == []
