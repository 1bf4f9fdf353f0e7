from pathlib import PurePosixPath

import pytest

from melodia.detection.labelled import label_of
from melodia.errors import CorpusError


@pytest.mark.parametrize(
    "path, kind, source",
    [
        ("music/flute/1.wav", "music", "flute"),
        ("train/Speech/radio/morning/1.wav", "speech", "radio"),
        ("music/1.wav", "music", ""),
        ("home/music/corpus/speech/1.wav", "speech", ""),  # the nearest
        ("speech/music/speech.wav", "music", ""),  # a file's own name says nothing
    ],
)
def test_the_nearest_folder_says_what_a_recording_is(path, kind, source):
    assert label_of(PurePosixPath(path)) == (kind, source)


def test_neither_is_refused():
    with pytest.raises(CorpusError, match=r"music\.wav: in no folder called music or speech"):
        label_of(PurePosixPath("songs/music.wav"))
