"""Lists of words, the model that spells them, and what it makes of words as they are written."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import melodia
from melodia.checkpoint import read_info
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.pronunciation.lexicon import letters_apart, plural
from melodia.pronunciation.phonemes import PRIMARY, SECONDARY, VOWELS
from melodia.spelling.codes import LETTERS, SIGNS, fits, letters_of, phonemes_of, signs_of, word_of
from melodia.spelling.data import lots, words_of
from melodia.spelling.decode import phonemes_in
from melodia.spelling.evaluate import error_rates, evaluate
from melodia.spelling.model import Batch, SpellingConfig, SpellingModel, spell
from melodia.spelling.prepare import SpellingsRepresentation
from melodia.spelling.spell import Speller
from tests.commands.conftest import run

WORDS = {
    "cat": "kˈæt", "box": "bˈɑks", "azure": "ˈæʒəɹ", "banana": "bənˈænə", "o'brien": "ObɹˈIən", "thing": "θˈɪŋ",
    "telephone": "tˈɛləfˌOn", "go": "ɡˈO", "hmm": "hm", "bookkeeper": "bˈʊkkˌipəɹ",
}  # fmt: skip
SMALL = ["--hidden-size", 16, "--num-layers", 1, "--batch-size", 8, "--validate-every", 10, "--quiet"]


@pytest.fixture(scope="session")
def spelling():
    """A small model that has learnt the words by heart."""
    torch.manual_seed(0)
    model = SpellingModel(SpellingConfig(input_size=16, hidden_size=32, num_layers=1, dropout=0.0))
    letters, signs = ([torch.tensor(code(of)) for of in row] for code, row in ((letters_of, WORDS), (signs_of, WORDS.values())))
    padded = [torch.nn.utils.rnn.pad_sequence(rows, batch_first=True) for rows in (letters, signs)]
    counts = [torch.tensor([len(row) for row in rows]) for rows in (letters, signs)]
    batch = Batch(padded[0], counts[0], padded[1], counts[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    return model.eval()


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    for i, (word, said) in enumerate(WORDS.items()):
        (folder / f"{i}.tsv").write_text(f"{word}\t{said}\n{word}s\t{plural(said)}\n", "utf-8")
    return folder


@pytest.fixture
def prepared(lists, tmp_path):
    (lists / "empty.tsv").write_text("\n")
    run("prepare", lists, "-o", tmp_path / "corpus", "--as", "spellings", "--held-out", 0.2, "--quiet")
    return tmp_path / "corpus"


@given(st.text(LETTERS), st.text(SIGNS))
def test_codes_stand_for_words_and_phonemes(word, said):
    assert word_of(letters_of(word)) == word and phonemes_of(signs_of(said)) == said
    assert 0 not in letters_of(word) + signs_of(said)


def test_signs_need_frames():
    assert fits("at", "ˈætæt") and fits("at", "ˈætætæ") and not fits("at", "ˈætætæt")
    assert fits("ab", "ababa") and not fits("ab", "aaaa")  # three blanks between


def test_lists_are_read_whole(prepared):
    corpus = Corpus(prepared)
    found = {}
    for split in ("train", "valid", "test"):
        found |= dict(zip(*words_of(corpus, split).texts(), strict=True))
    assert found == WORDS | {f"{word}s": plural(said) for word, said in WORDS.items()}
    assert corpus.manifest["counts"]["words"] == len(found)
    assert "empty.tsv" in (prepared / "rejected.tsv").read_text()


@pytest.mark.parametrize(
    "line, reason",
    [
        ("cat", "a.tsv, line 2: 'cat' is no word with its phonemes"),
        ("cat kæt", "a.tsv, line 2: 'cat kæt' is no word with its phonemes"),
        ("Cat\tkˈæt", "a.tsv, line 2: 'C' in 'Cat' is neither a small letter"),
        ("cat\tkˈæt.", r"a.tsv, line 2: '\.' in 'kˈæt\.' is no sign"),
        ("a" * 41 + "\tA", "a.tsv, line 2: .* has 41 letters; at most 40"),
        ("mr\tmˈɪstəɹ", "a.tsv, line 2: 'mˈɪstəɹ' is too long for 'mr'"),
    ],
)
def test_bad_lines_are_refused(tmp_path, line, reason):
    with pytest.raises(CorpusError, match=reason):
        SpellingsRepresentation().read(tmp_path / "a.tsv", f"dog\tdˈɔɡ\n{line}\n".encode())


def test_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"a\.tsv: no text in UTF-8"):
        SpellingsRepresentation().read(tmp_path / "a.tsv", b"\xff\xff\xff")


def test_every_word_is_in_one_lot_of_like_length():
    lengths = np.random.default_rng(0).integers(2, 12, 1000)
    found = lots(lengths, 16, [0, 1])
    assert sorted(np.concatenate(found).tolist()) == list(range(1000))
    assert np.mean([np.ptp(lengths[lot]) for lot in found]) < 2


def test_padding_changes_nothing(spelling):
    letters = torch.tensor([letters_of("cat") + [0] * 6, letters_of("telephone")])
    with torch.no_grad():
        together = spelling(letters, torch.tensor([3, 9]))
        alone = spelling(letters[:1, :3], torch.tensor([3]))
    np.testing.assert_allclose(together[0, :9], alone[0], atol=1e-5)


def test_it_learns_words_by_heart(spelling):
    assert dict(zip(WORDS, spell(spelling, list(WORDS)), strict=True)) == WORDS
    with pytest.raises(ValueError, match="empty"):
        spell(spelling, ["cat", ""])


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_word_with_a_vowel_has_one_primary_stress(random_seed, frames):
    logits = torch.from_numpy(np.random.default_rng(random_seed).normal(size=(frames, len(SIGNS) + 1)) * 3)
    said = phonemes_in(logits.log_softmax(-1).float().numpy())
    assert said.count(PRIMARY) == any(sign in VOWELS for sign in said)
    assert all(said[i + 1] in VOWELS for i, sign in enumerate(said) if sign in PRIMARY + SECONDARY)


def test_the_likeliest_vowel_is_stressed():
    def said(*frames):
        rows = np.full((len(frames), len(SIGNS) + 1), 1e-4, np.float32)
        for row, frame in zip(rows, frames, strict=True):
            for sign, share in frame.items():
                row[signs_of(sign)[0] if sign else 0] = share
        return phonemes_in(np.log(rows))

    assert said({"b": 0.9}, {"ə": 0.9}, {"": 0.8, "ˈ": 0.1}, {"n": 0.9}, {"": 0.6, "ˈ": 0.3}, {"æ": 0.9}) == "bənˈæ"
    assert said({"ˈ": 0.6}, {"ə": 0.9}, {"n": 0.9}, {"ˈ": 0.9}, {"æ": 0.9}) == "ˌənˈæ"
    assert said({"ˈ": 0.9}, {"n": 0.9}, {"": 0.5}, {"n": 0.9}, {"n": 0.9}) == "nn"
    assert said() == ""


def test_a_speller_reads_words_as_they_are_written(spelling):
    say = Speller(spelling)
    assert say([]) == {}
    found = say(
        ["Cat", "cat's", "CAT’S", "'banana'", "Thing'll", "box-", "bánana", "cats'", "BBC", "BBC's", "DVDs", "B's", "", "--", "'"]
    )
    assert found["Cat"] == "kˈæt" and found["cat's"] == found["CAT’S"] == "kˈæts"
    assert found["'banana'"] == found["bánana"] == "bənˈænə" and found["box-"] == "bˈɑks" and found["Thing'll"] == "θˈɪŋᵊl"
    assert found["BBC"] == letters_apart("bbc") and found["BBC's"] == plural(letters_apart("bbc"))
    assert found["DVDs"] == plural(letters_apart("dvd")) and found["B's"] == plural(letters_apart("b"))
    assert found[""] == found["--"] == found["'"] == "" and found["cats'"]
    assert say(["thin'"])["thin'"] == "θˈɪŋ"


def test_a_speller_reads_words_of_any_length(spelling):
    said = Speller(spelling)(["banana" * 30])["banana" * 30]
    assert said.count(PRIMARY) == 1 and len(said) > 100


def test_errors_are_counted_with_and_without_stress():
    rates = error_rates(["kˈæt", "bənˈænə"], ["kˈæt", "bˈənænə"])
    assert rates["words_wrong"] == 0.5 and rates["words_wrong_unstressed"] == 0
    assert rates["signs_wrong"] == pytest.approx(2 / 11) and rates["signs_wrong_unstressed"] == 0
    assert error_rates(["kˈæt"], [""])["signs_wrong"] == 1


def test_what_is_right_is_not_among_the_wrong(spelling, prepared):
    report = evaluate(spelling, words_of(Corpus(prepared), "train"))
    assert report["words"] >= 10 and 0 < report["words_wrong"] <= 0.5 + 1e-9
    assert all(row["word"].endswith("s") and row["reference"] != row["estimate"] for row in report["wrong"])


def test_from_lists_to_a_model(prepared, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "speller", "--iterations", 20, *SMALL)
    info = read_info(tmp_path / "speller")
    assert "of signs wrong" in done.output and info.domain == "spelling"
    rows = [json.loads(line) for line in (tmp_path / "speller" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["valid"] < rows[0]["valid"]
    done = run("evaluate", prepared, "--model", tmp_path / "speller", "--split", "test")
    assert "words of test" in done.output and "without stress" in done.output
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "speller", "--json").output)
    assert report["words"] == info.metrics["valid"]["words"] and report["words_wrong"] == info.metrics["valid"]["words_wrong"]
    melodia.train(prepared, tmp_path / "tuned", start=tmp_path / "speller", iterations=2, batch_size=4, validate_every=1)
    assert type(melodia.load_checkpoint(tmp_path / "tuned")) is SpellingModel
    with pytest.raises(ConfigError, match="length: has no meaning"):
        melodia.train(prepared, tmp_path / "x", length=4)
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=tmp_path / "speller", hidden_size=8)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "num_layers": 1, "batch_size": 4, "validate_every": 2}

    def stop_at_4(progress, trainer):
        if progress.iteration == 4:
            trainer.stop()

    melodia.train(prepared, tmp_path / "whole", iterations=6, **small)
    melodia.train(prepared, tmp_path / "parts", iterations=6, report=stop_at_4, **small)
    melodia.train(prepared, tmp_path / "parts", iterations=6, resume=True, **small)
    losses = [
        [json.loads(line)["valid"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    assert losses[0] == losses[1]
