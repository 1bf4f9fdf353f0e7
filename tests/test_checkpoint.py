import json
import shutil

import pytest
import torch

import melodia
from melodia.checkpoint import DEFAULTS, find_checkpoint, read_info
from melodia.errors import CheckpointError, ConfigError
from melodia.files import shipped
from melodia.weights import read_weights


def test_what_is_saved_is_loaded(tiny, tiny_checkpoint):
    loaded = melodia.load_checkpoint(tiny_checkpoint)
    for name, weight in tiny.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight, atol=1e-3, rtol=1e-3)
    assert {p.name for p in tiny_checkpoint.iterdir()} == {"config.json", "model.safetensors", "README.md"}


def test_an_unknown_name_lists_what_ships():
    with pytest.raises(CheckpointError, match="no such model; .*ship"):
        find_checkpoint("nobody")


def test_a_folder_without_its_config_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="no config.json in it"):
        find_checkpoint(tmp_path)


def damaged(folder, tmp_path, change):
    copy = shutil.copytree(folder, tmp_path / "copy")
    change(copy)
    return copy


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: (f / "config.json").write_text("{"), "damaged"),
        (lambda f: (f / "config.json").write_text('{"format": 99}'), "of format 99"),
        (lambda f: (f / "model.safetensors").write_bytes(b"abc"), "cannot be read"),
        (lambda f: (f / "model.safetensors").unlink(), "cannot be read"),
        (lambda f: edit(f, hidden_size=32), "do not fit"),
        (lambda f: edit(f, domain="dancing"), "does not know"),
    ],
)
def test_damage_is_one_line(tiny_checkpoint, tmp_path, change, message):
    with pytest.raises(CheckpointError, match=message):
        melodia.load_checkpoint(damaged(tiny_checkpoint, tmp_path, change))


def edit(folder, domain=None, **model):
    content = json.loads((folder / "config.json").read_text())
    content["model"].update(model)
    content["domain"] = domain or content["domain"]
    (folder / "config.json").write_text(json.dumps(content))


def test_an_unknown_setting_is_an_error(tiny_checkpoint, tmp_path):
    with pytest.raises(ConfigError, match="unknown setting 'colour'"):
        melodia.load_checkpoint(damaged(tiny_checkpoint, tmp_path, lambda f: edit(f, colour=1)))


@pytest.mark.parametrize("change", [
    {"model": None}, {"domain": ["composition"]}, {"model": {"hidden_size": 3.7}}, {"model": {"num_layers": "2"}},
    {"model": {"dropout": True}},
])  # fmt: skip
def test_settings_of_another_type_are_one_line(tiny_checkpoint, tmp_path, change):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    content = json.loads((folder / "config.json").read_text())
    of_model = change["model"] if isinstance(change.get("model"), dict) else None
    content = content | change if of_model is None else content | {"model": content["model"] | of_model}
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises((CheckpointError, ConfigError), match="damaged|is not usable"):
        melodia.load_checkpoint(folder)


def test_shipped_checkpoints_are_whole_and_small():
    for domain, name in DEFAULTS.items():
        folder = find_checkpoint(name)
        info, size = read_info(folder), sum(path.stat().st_size for path in folder.iterdir())
        assert info.domain == domain and info.title and info.data and info.metrics and "not stated" not in info.licence
        assert len((folder / "README.md").read_text("utf-8")) > 500 and size < 16 * 2**20
        assert all(torch.isfinite(w).all() for w in read_weights(folder).values())
    assert sum(path.stat().st_size for path in shipped("checkpoints").rglob("*")) < 64 * 2**20


@pytest.mark.parametrize("name", sorted(path.parent.name for path in shipped("checkpoints").glob("*/config.json")))
def test_every_shipped_checkpoint_loads(name):
    model = melodia.load_checkpoint(name)
    assert sum(weights.numel() for weights in model.parameters()) > 10_000
