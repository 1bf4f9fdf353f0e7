"""Writes a set of the polyphonic-music benchmark piece by piece: `python make.py FILE.mat OUT`, then
`melodia prepare polyphonic=OUT --as frames`. Pieces are OUT/train/0000.npy and so on, split as in the file.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from melodia.errors import MelodiaError
from melodia.polyphony.benchmark import SPLITS, read_mat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    if given.out.is_dir() and any(given.out.iterdir()):
        sys.exit(f"{given.out}: there is something in it already; name a new folder")
    try:
        pieces = {split: read_mat(given.file, split) for split in SPLITS}
    except MelodiaError as error:
        sys.exit(str(error))
    for split, found in pieces.items():
        (given.out / split).mkdir(parents=True)
        for number, piece in enumerate(found):
            np.save(given.out / split / f"{number:04d}.npy", piece)
    print(f"{given.out}: {', '.join(f'{len(found)} {split}' for split, found in pieces.items())}", file=sys.stderr)


if __name__ == "__main__":
    main()
