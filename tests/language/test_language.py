"""Texts, the model of their letters, and what the search asks of it."""

import json
import math

import numpy as np
import pytest
import torch

import melodia
from melodia.checkpoint import read_info
from melodia.corpus import Corpus
from melodia.errors import ConfigError
from melodia.language.model import UNREAD, LanguageConfig, LanguageModel
from melodia.language.train import Sentences, collated
from melodia.text import letters_of, text_of
from tests.commands.conftest import run

SMALL = ["--hidden-size", 16, "--num-layers", 1, "--batch-size", 4, "--length", 24, "--validate-every", 10, "--quiet"]


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(8):
        (folder / f"{i}.txt").write_text(f"The cat number {i} sat.\n\n{'abcdefgh'[i]} dog, too!\n")
    (folder / "empty.txt").write_text("...\n")
    return folder


@pytest.fixture
def prepared(texts, tmp_path):
    run("prepare", texts, "-o", tmp_path / "corpus", "--as", "letters", "--held-out", 0.2, "--quiet")
    return tmp_path / "corpus"


def test_lines_are_sentences_with_an_end(prepared):
    corpus = Corpus(prepared)
    piece = corpus.pieces("train")[0].tolist()
    first = text_of(piece[: piece.index(0)])
    assert first.startswith("the cat number ") and piece[-1] == 0 and piece.count(0) == 2
    assert "empty.txt" in (prepared / "rejected.tsv").read_text()


def test_spans_begin_with_sentences():
    sentences = Sentences([np.array([*letters_of("ab"), 0, *letters_of("c"), 0], np.uint8)])
    assert sentences.starts.tolist() == [0, 3]
    letters, targets = sentences.span(3, 4)
    assert letters.tolist()[:2] == [0, letters_of("c")[0]] and targets.tolist() == [letters_of("c")[0], 0, UNREAD, UNREAD]


def test_step_by_step_is_the_same_as_whole():
    torch.manual_seed(0)
    model = LanguageModel(LanguageConfig(input_size=8, hidden_size=16, num_layers=2, dropout=0.0)).eval()
    text = letters_of("the cat")
    with torch.no_grad():
        whole = model(torch.tensor([[0, *text]]))[0].log_softmax(dim=-1)[0].numpy()
    state, row = model.begin()
    np.testing.assert_allclose(row, whole[0], atol=1e-5)
    other, _ = model.begin()
    for i, letter in enumerate(text):
        (state, other), rows = model.advance([state, other], [letter, text[0]])
        np.testing.assert_allclose(rows[0], whole[i + 1], atol=1e-5)
        assert math.isclose(float(np.exp(rows[1]).sum()), 1, rel_tol=1e-4)


def test_it_learns_a_sentence():
    torch.manual_seed(0)
    model = LanguageModel(LanguageConfig(input_size=8, hidden_size=32, num_layers=1, dropout=0.0))
    sentences = Sentences([np.array([*letters_of("the cat sat on the mat"), 0], np.uint8)])
    batch = collated([sentences.span(0, 23)])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(120):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    assert float(nats.detach() / count) < 0.1
    _, row = model.eval().begin()
    assert row.argmax() == letters_of("t")[0]


def test_from_texts_to_a_model(prepared, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "lm", "--iterations", 20, *SMALL)
    info = read_info(tmp_path / "lm")
    assert "bits a letter on valid" in done.output and info.domain == "language"
    assert info.metrics["valid_bits_a_letter"] < math.log2(29)
    rows = [json.loads(line) for line in (tmp_path / "lm" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["valid"] < rows[0]["valid"]
    melodia.train(prepared, tmp_path / "tuned", start=tmp_path / "lm", iterations=2, batch_size=4, length=24, validate_every=1)
    assert read_info(tmp_path / "tuned").training["from"] == str(tmp_path / "lm")
    model, tuned = (melodia.load_checkpoint(tmp_path / name) for name in ("lm", "tuned"))
    assert type(model) is LanguageModel and model.trigrams.numbers and tuned.trigrams.numbers == model.trigrams.numbers
    with pytest.raises(ConfigError, match="whole: has no meaning"):
        melodia.train(prepared, tmp_path / "x", whole=True)
    with pytest.raises(ConfigError, match="num_layers: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=tmp_path / "lm", num_layers=2)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "num_layers": 1, "batch_size": 4, "length": 24, "validate_every": 2}

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
