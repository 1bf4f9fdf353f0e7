"""Weights in half precision and in eight bits."""

import json

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

import melodia
from melodia.checkpoint import CheckpointInfo, save_checkpoint, shrink
from melodia.commands import main
from melodia.config import to_json
from melodia.errors import CheckpointError
from melodia.polyphony.model import PolyphonyConfig, PolyphonyModel
from melodia.weights import FILE, read_weights, write_weights


def test_eight_bits_are_within_half_a_step_of_each_row(tmp_path):
    torch.manual_seed(0)
    rows = torch.randn(6, 40) * torch.tensor([[1e-4], [1.0], [300.0], [0.0], [1.0], [2.0]])
    weights = {"rows": rows, "kernel": torch.randn(3, 5, 7), "bias": torch.randn(40), "narrow": torch.randn(50, 16)}
    write_weights(tmp_path, weights, eight_bits=True)
    found, stored = read_weights(tmp_path), load_file(tmp_path / FILE)
    assert set(found) == set(weights)
    assert {name for name, weight in stored.items() if weight.dtype == torch.int8} == {"rows", "kernel"}
    steps = rows.abs().amax(dim=1, keepdim=True) / 127
    assert ((found["rows"] - rows).abs() <= steps * 0.501 + 1e-12).all() and (found["rows"] - rows).abs().max() > 0.5
    torch.testing.assert_close(found["kernel"], weights["kernel"], atol=0.02, rtol=0)
    for name in ("bias", "narrow"):
        torch.testing.assert_close(found[name], weights[name], atol=1e-3, rtol=1e-3)


def test_scales_of_nothing_are_damage(tmp_path):
    save_file({"a": torch.ones(2, 20, dtype=torch.int8), "b/scales": torch.ones(2)}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match="damaged .* and its scales do not fit"):
        read_weights(tmp_path)
    save_file({"a": torch.ones(2, 20, dtype=torch.int8)}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match="damaged .a and its scales do not fit"):
        read_weights(tmp_path)


def test_a_shrunk_checkpoint_is_half_as_large_and_nearly_as_good(tmp_path):
    torch.manual_seed(0)
    model = PolyphonyModel(PolyphonyConfig(lowest_pitch=40, highest_pitch=80)).eval()
    save_checkpoint(
        tmp_path / "whole", CheckpointInfo(domain="polyphony", model=to_json(model.config)), model.state_dict(), "# One\n"
    )
    before, after = shrink(tmp_path / "whole", tmp_path / "small")
    assert after < 0.6 * before and (tmp_path / "small" / FILE).stat().st_size == after
    assert {p.name for p in (tmp_path / "small").iterdir()} == {"README.md", "config.json", FILE}
    frames = (torch.rand(24, 88, generator=torch.Generator().manual_seed(0)) < 0.05).numpy().astype("uint8")
    whole, small = (melodia.load_checkpoint(name).nats([frames])[0] for name in (tmp_path / "whole", tmp_path / "small"))
    assert small != whole and small == pytest.approx(whole, rel=0.01)


def test_files_beside_the_weights_come_along_but_no_state_to_resume(tmp_path):
    folder = tmp_path / "one"
    save_checkpoint(folder, CheckpointInfo(domain="x", model={}), {"w": torch.randn(4, 64)}, "# One\n")
    (folder / "words.npz").write_bytes(b"words")
    (folder / "resume.pt").write_bytes(b"state")
    done = CliRunner().invoke(main, ["shrink", str(folder), "-o", str(tmp_path / "two"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["bytes"] < json.loads(done.stdout)["bytes_before"]
    assert {p.name for p in (tmp_path / "two").iterdir()} == {"README.md", "config.json", FILE, "words.npz"}
    assert "already" not in done.stderr
    twice = CliRunner().invoke(main, ["shrink", str(tmp_path / "two"), "-o", str(tmp_path / "four")])
    assert twice.exit_code == 0 and "two is in eight bits already" in twice.stderr.replace("\n", "")
    again = CliRunner().invoke(main, ["shrink", str(folder), "-o", str(tmp_path / "two")])
    assert again.exit_code == 1 and "is there already; name a new folder" in again.stderr
    missing = CliRunner().invoke(main, ["shrink", "nobody", "-o", str(tmp_path / "three")])
    assert missing.exit_code == 1 and "no such model" in missing.stderr and not (tmp_path / "three").exists()
