"""Spectrograms against librosa's, whole against streamed, and what a live one may not hear."""

import librosa
import numpy as np
import pytest
import torch

from melodia.errors import ConfigError
from melodia.features import (
    FeatureConfig,
    MelConfig,
    filterbank,
    log_mel,
    packed,
    spectrogram,
    stream_log_mel,
    stream_spectrogram,
    unpacked,
)

CONFIG = FeatureConfig()


def sound(seconds=1.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(round(seconds * CONFIG.sample_rate)) / CONFIG.sample_rate
    tones = sum(torch.sin(2 * torch.pi * hertz * time) for hertz in (110.0, 440.0, 1760.0))
    return 0.2 * tones + 0.05 * torch.randn(len(time), generator=generator)


def by_librosa(waveform, config, n_fft):
    spectrum = librosa.stft(waveform.numpy(), n_fft=n_fft, hop_length=config.hop_length, window="hann", pad_mode="constant")
    window = librosa.filters.get_window("hann", n_fft)
    power = np.abs(spectrum) ** 2 * (2 / window.sum()) ** 2
    return librosa.power_to_db(filterbank(config, n_fft).numpy() @ power, amin=1e-10, top_db=None).T


@pytest.mark.parametrize("hop_length, n_ffts", [(512, (1024, 4096)), (320, (2048,))])
def test_the_numbers_are_those_of_librosa(hop_length, n_ffts):
    config = FeatureConfig(hop_length=hop_length, n_ffts=n_ffts)
    ours = spectrogram(sound(), config).numpy()
    assert ours.shape == (config.num_frames(24_000), len(n_ffts), 300)
    for i, n_fft in enumerate(n_ffts):
        theirs = by_librosa(sound(), config, n_fft)
        np.testing.assert_allclose(10 ** (ours[:, i] / 10), 10 ** (theirs / 10), rtol=1e-4)  # of the power


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("size", [100, 511, 512, 5000, 10**6])
def test_blocks_of_any_size_give_the_same(size, live):
    config = FeatureConfig(live=live)
    whole = spectrogram(sound(), config)
    parts = list(stream_spectrogram(sound().split(size), config))
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-3, rtol=0)


def test_a_sine_stands_at_its_pitch_at_about_0_db():
    time = torch.arange(16_000) / 16_000
    for pitch in (45, 69, 93):
        decibels = spectrogram(torch.sin(2 * torch.pi * 440 * 2 ** ((pitch - 69) / 12) * time), CONFIG)[15]
        at = decibels[1].argmax() / CONFIG.bins_per_semitone + CONFIG.lowest_pitch
        assert abs(float(at) - pitch) <= 1 / 3
        assert -3 < float(decibels[1].max()) < 3


def test_silence_is_the_floor_and_no_sound_is_one_frame():
    assert torch.equal(spectrogram(torch.zeros(4000), CONFIG), torch.full((8, 2, 300), -100.0))
    assert spectrogram(torch.zeros(0), CONFIG).shape == (1, 2, 300)


def test_a_live_frame_hears_nothing_later_than_its_delay():
    config = FeatureConfig(live=True, delay_frames=3)
    waveform = sound()
    changed = waveform.clone()
    frame = 20
    changed[(frame + 3) * 512 :] = 1.0
    before, after = spectrogram(waveform, config), spectrogram(changed, config)
    torch.testing.assert_close(after[: frame + 1], before[: frame + 1], atol=1e-4, rtol=0)
    assert (after[frame + 1] - before[frame + 1]).abs().max() > 1
    assert config.delay_frames / config.frame_rate < 0.1


def test_every_bin_below_half_the_rate_hears_something():
    for n_fft in (1024, 4096):
        weights = filterbank(CONFIG, n_fft)
        hertz = 440 * 2 ** ((np.arange(300) / 3 + 20 - 69) / 12)
        assert (weights.sum(dim=1)[torch.from_numpy(hertz < 7900)] > 0).all()


@pytest.mark.parametrize("bad", [{"hop_length": 1}, {"n_ffts": []}, {"n_ffts": [1023]}, {"sample_rate": 10}])
def test_bad_settings_are_named(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        FeatureConfig(**bad)


def test_the_mel_scale_is_that_of_librosa():
    mel = MelConfig()
    window = librosa.filters.get_window("hann", mel.win_length)
    power = librosa.feature.melspectrogram(
        y=sound().numpy(), sr=mel.sample_rate, n_fft=mel.n_fft, hop_length=mel.hop_length, win_length=mel.win_length,
        pad_mode="constant", power=2.0, n_mels=mel.n_mels, fmin=mel.fmin, fmax=mel.fmax, htk=True, norm=None,
    )  # fmt: skip
    theirs = power * (2 / window.sum()) ** 2
    ours = log_mel(sound(), mel).numpy()
    assert ours.shape == (mel.num_frames(24_000), 80)
    np.testing.assert_allclose(10 ** (ours / 10), np.maximum(theirs.T, 1e-10), rtol=1e-4)


@pytest.mark.parametrize("size", [100, 160, 5000])
def test_mel_blocks_of_any_size_give_the_same(size):
    parts = list(stream_log_mel(sound().split(size), MelConfig()))
    torch.testing.assert_close(torch.cat(parts), log_mel(sound(), MelConfig()), atol=1e-3, rtol=0)
    arrays = list(stream_log_mel((block.numpy() for block in sound().split(size)), MelConfig()))
    torch.testing.assert_close(torch.cat(arrays), torch.cat(parts))


def test_whole_decibels_come_back():
    decibels = np.array([[-100.0, -37.5, 0.0, 12.5]], np.float32)
    assert np.array_equal(unpacked(packed(decibels)), decibels)


@pytest.mark.parametrize("setting", [{"win_length": 1024}, {"fmax": 9000}, {"fmin": 8000}, {"n_mels": 0}])
def test_mel_settings_out_of_range(setting):
    with pytest.raises(ConfigError, match="out of range"):
        MelConfig(**setting)
