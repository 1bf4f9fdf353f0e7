import pytest

from melodia.errors import ConfigError
from melodia.files import read_limited, refuse_foreign_folder, temporary_beside, write_atomically


def test_a_folder_with_anything_else_in_it_is_refused(tmp_path, monkeypatch):
    ours = ("config.json", "model.safetensors")
    folder = tmp_path / "model"
    refuse_foreign_folder(folder, ours)
    write_atomically(folder / "config.json", "{}")
    refuse_foreign_folder(folder, ours)
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError, match="where you are"):
        refuse_foreign_folder(folder, ours)
    write_atomically(folder / "thesis.txt", "years of work")
    with pytest.raises(ConfigError, match="would be lost"):
        refuse_foreign_folder(folder, ours)


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path):
    write_atomically(tmp_path / "f" / "a", "old")
    with pytest.raises(RuntimeError), temporary_beside(tmp_path / "f", is_folder=True) as temporary:
        (temporary / "a").write_text("new")
        raise RuntimeError
    assert (tmp_path / "f" / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_only_regular_files_of_a_size_are_read(tmp_path):
    write_atomically(tmp_path / "a", b"12345")
    assert read_limited(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        read_limited(tmp_path / "a", 4)
    with pytest.raises(OSError, match="regular file"):
        read_limited(tmp_path, 5)
