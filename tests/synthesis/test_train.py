"""From recordings to a voice, by the commands."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import melodia
from melodia.checkpoint import read_info
from melodia.errors import ConfigError
from melodia.synthesis.data import Utterance, collated
from melodia.synthesis.layout import DURATION, PITCH
from melodia.synthesis.model import Voice, VoiceConfig
from melodia.synthesis.telling import tell
from tests.commands.conftest import run
from tests.synthesis.conftest import rows_of, sound_of

SMALL = ["--hidden-size", 8, "--batch-size", 5, "--validate-every", 2, "--quiet"]


@pytest.fixture(scope="module")
def prepared(speaker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "corpus"
    run("prepare", speaker, "-o", folder, "--as", "speech", "--held-out", 0.1, "--quiet")
    return folder


def test_from_recordings_to_a_voice(prepared, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "voice", "--iterations", 4, *SMALL)
    assert "nats a frame on valid" in done.output
    info = read_info(tmp_path / "voice")
    assert info.domain == "synthesis" and info.model["painter_size"] == 8 and info.model["reader_size"] == 5
    assert "a mixture density" in (tmp_path / "voice" / "README.md").read_text()
    run("train", "--corpus", prepared, "-o", tmp_path / "tuned", "--from", tmp_path / "voice", "--iterations", 2, *SMALL[2:])
    assert read_info(tmp_path / "tuned").model == info.model
    voice = melodia.load_checkpoint(tmp_path / "tuned")
    assert 50 < float(voice.readings_mean[PITCH]) < 60 and float(voice.readings_spread.min()) > 0


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "batch_size": 5, "validate_every": 2, "iterations": 6}

    def stop_at_3(progress, trainer):
        if progress.iteration >= 3:
            trainer.stop()

    melodia.train(prepared, tmp_path / "whole", **small)
    melodia.train(prepared, tmp_path / "parts", report=stop_at_3, **small)
    assert torch.load(tmp_path / "parts" / "resume.pt", weights_only=True)["counters"][0] < 6
    melodia.train(prepared, tmp_path / "parts", resume=True, **small)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)


def test_settings_that_mean_nothing_are_refused(prepared, tmp_path):
    for setting in ({"num_layers": 3}, {"whole": True}, {"length": 5}):
        with pytest.raises(ConfigError, match="has no meaning for a corpus of a voice"):
            melodia.train(prepared, tmp_path / "x", **setting)


def utterances(numbers):
    found = []
    for i in numbers:
        rows, sound = rows_of(i), sound_of(rows_of(i))
        from melodia.synthesis.prepare import HISS_STEPS
        from melodia.synthesis.signs import number_of

        signs = np.array([[*number_of(sign), count] for sign, count in rows], np.int32)
        bands = np.clip(np.rint((sound.bands + 100) * 2), 0, 255).astype(np.uint8)
        found.append(Utterance(bands, np.rint(-sound.hiss * HISS_STEPS).astype(np.uint8), sound.pitch, signs))
    return found


def test_a_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    batch = collated(utterances(range(4)))
    voice = Voice(
        VoiceConfig(reader_size=24, teller_size=32, painter_size=32, embedding_size=16, num_layers=(1, 1, 1), dropout=0.0)
    )
    for name in ("readings", "bands"):
        rows = getattr(batch, name)
        getattr(voice, f"{name}_mean").copy_(rows.flatten(0, 1).mean(dim=0))
        getattr(voice, f"{name}_spread").copy_(rows.flatten(0, 1).std(dim=0))
    optimizer, losses = torch.optim.Adam(voice.parameters(), lr=0.01), []
    for _ in range(160):
        nats, count, _ = voice.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        torch.nn.utils.clip_grad_norm_(voice.parameters(), 1.0)
        optimizer.step()
        losses.append(float(nats.detach() / count))
    assert losses[-1] < losses[0] - 60  # of 94 numbers a frame
    voice.eval()
    heard = voice.hear(batch.signs[:1, : batch.num_signs[0]], batch.stresses[:1, : batch.num_signs[0]])
    told = tell(voice, heard, 0.0, torch.Generator())
    true = batch.readings[0, : batch.num_signs[0]].numpy()
    assert np.abs(told[:, DURATION] - true[:, DURATION]).mean() < 0.4  # octaves


def test_an_utterance_costs_the_same_alone_and_beside_others():
    torch.manual_seed(0)
    voice = Voice(VoiceConfig(reader_size=6, teller_size=8, painter_size=8, embedding_size=8, num_layers=(1, 1, 1))).eval()
    together = float(voice.loss(collated(utterances([0, 1])))[0].detach())
    apart = sum(float(voice.loss(collated(utterances([i])))[0].detach()) for i in (0, 1))
    assert together == pytest.approx(apart, rel=1e-4)
