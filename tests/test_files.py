import os

import pytest

from melodia.errors import ConfigError
from melodia.files import read_limited, refuse_foreign_folder, temporary_beside, why_not_written, write_atomically


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


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path):
    for name in ("there", "not-yet"):
        (tmp_path / f"link-{name}").symlink_to(tmp_path / name)
    write_atomically(tmp_path / "there", "old")
    for name in ("there", "not-yet"):
        write_atomically(tmp_path / f"link-{name}", "new")
        assert (tmp_path / name).read_text() == "new" and (tmp_path / f"link-{name}").is_symlink()


def test_the_longest_names_are_written_and_longer_ones_have_a_reason(tmp_path):
    write_atomically(tmp_path / ("n" * 255), "whole")
    assert [p.name for p in tmp_path.iterdir()] == ["n" * 255]
    longer = tmp_path / ("n" * 256)
    with pytest.raises(OSError) as caught:
        write_atomically(longer, "whole")
    assert "too long" in why_not_written(caught.value, longer)
    assert len(list(tmp_path.iterdir())) == 1


def test_only_regular_files_of_a_size_are_read(tmp_path):
    write_atomically(tmp_path / "a", b"12345")
    assert read_limited(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        read_limited(tmp_path / "a", 4)
    with pytest.raises(OSError, match="regular file"):
        read_limited(tmp_path, 5)


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        write_atomically(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo() and len(list(tmp_path.iterdir())) == 1
