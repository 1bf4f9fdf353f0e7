"""The network: shapes, what it may hear, what it can learn."""

import numpy as np
import pytest
import torch

from melodia.errors import ConfigError
from melodia.features import MelConfig, log_mel
from melodia.recognition.ctc import greedy
from melodia.recognition.model import NUM_SOUNDS, Batch, Recognizer, RecognizerConfig, heard_in, normalised, padded
from melodia.text import letters_of, text_of
from tests.recognition.conftest import said, sentence

SMALL = {"features": MelConfig(n_mels=40), "channels": 4, "hidden_size": 8, "num_layers": (1, 1)}


def network(**settings):
    torch.manual_seed(0)
    return Recognizer(RecognizerConfig(**SMALL, **settings)).eval()


def test_a_frame_of_letters_is_three_of_the_spectrogram():
    for frames, letters in ((1, 1), (3, 1), (4, 2), (299, 100), (300, 100), (301, 101)):
        out = network()(torch.zeros(2, frames, 40), torch.tensor([frames, 1]))
        assert out.logits.shape == (2, letters, 29) and out.lengths.tolist() == [letters, 1]
    assert [x.shape for x in heard_in(network(), torch.zeros(0, 40))] == [(0, 29), (0, NUM_SOUNDS)]


def test_it_learns(reader):
    assert reader.losses[-1] < 0.1 < 1 < reader.losses[0]
    waveform = torch.from_numpy(said(sentence(3)))
    heard = heard_in(reader, log_mel(waveform, reader.config.features))
    assert text_of(greedy(heard.letters)) == sentence(3)
    assert greedy(heard.sounds) == [ord(c) - ord("a") + 1 for c in sentence(3).replace(" ", "")]
    assert all(np.allclose(np.exp(x).sum(axis=1), 1, atol=1e-4) for x in heard)


def test_a_live_model_hears_no_more_than_a_tenth_of_a_second_ahead():
    x = torch.randn(1, 300, 40) * 10 - 50
    changed = x.clone()
    changed[:, 160:] = -20
    for live, same in ((True, True), (False, False)):
        model = network(live=live)
        with torch.no_grad():
            before, after = (model(y, torch.tensor([300])).logits[:, : 150 // 3] for y in (x, changed))
        assert torch.allclose(before, after, atol=1e-5) == same


def test_level_does_not_matter_and_what_is_past_the_end_neither():
    x = torch.randn(2, 90, 40) * 10 - 50
    lengths = torch.tensor([90, 60])
    assert torch.allclose(normalised(x, lengths, False), normalised(x - 30, lengths, False), atol=1e-4)
    longer = padded([x[0], x[1, :60]])
    longer[1, 60:] = 7.0
    assert torch.equal(normalised(longer, lengths, False)[1, 60:], torch.zeros(30, 40))


@pytest.mark.parametrize("live", [False, True])
def test_an_utterance_in_a_batch_is_read_as_if_it_were_alone(live):
    model, x = network(live=live), torch.randn(3, 120, 40) * 10 - 50
    lengths = torch.tensor([120, 61, 5])
    with torch.no_grad():
        together = model(x, lengths)
        for i, length in enumerate(lengths.tolist()):
            alone = model(x[i : i + 1, :length], lengths[i : i + 1])
            assert alone.lengths[0] == together.lengths[i]
            torch.testing.assert_close(together.logits[i, : alone.lengths[0]], alone.logits[0], atol=1e-5, rtol=1e-4)


def test_a_text_that_does_not_fit_costs_nothing():
    model = network()
    letters = torch.tensor([letters_of("aaaaaaaaaaaaaaaaaaaa")])
    none = torch.zeros(1, 0, dtype=torch.long), torch.tensor([0])
    nats, count, _ = model.loss(Batch(torch.zeros(1, 9, 40), torch.tensor([9]), letters, torch.tensor([20]), *none))
    assert float(nats.detach()) == 0 and int(count) == 20


def test_phonemes_count_where_they_are_known():
    model = network()
    one = torch.zeros(2, 60, 40), torch.tensor([60, 60]), torch.ones(2, 3, dtype=torch.long), torch.tensor([3, 3])
    sounds = torch.ones(2, 4, dtype=torch.long)
    both, first, none = (
        float(model.loss(Batch(*one, sounds, torch.tensor(known)))[0].detach()) for known in ([4, 4], [4, 0], [0, 0])
    )
    assert none < first < both and both - first == pytest.approx(first - none, rel=1e-4)


@pytest.mark.parametrize("setting", [{"hidden_size": 0}, {"num_layers": (0, 1)}, {"dropout": 1.0}, {"search": {"width": 0}}])
def test_settings_out_of_range(setting):
    with pytest.raises(ConfigError, match="out of range"):
        RecognizerConfig(**setting)
