"""Writes the chorales on a grid of 16ths piece by piece: `python make.py jsb-chorales-16th.npz OUT`, then
`melodia prepare chorales=OUT --as voices`. Pieces are OUT/train/0000.npy and so on, split as in the file.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from melodia.errors import MelodiaError
from melodia.harmony.benchmark import SPLITS, read_npz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    if given.out.is_dir() and any(given.out.iterdir()):
        sys.exit(f"{given.out}: there is something in it already; name a new folder")
    try:
        pieces = {split: read_npz(given.file, split) for split in SPLITS}
    except MelodiaError as error:
        sys.exit(str(error))
    for split, found in pieces.items():
        (given.out / split).mkdir(parents=True)
        for number, piece in enumerate(found):
            np.save(given.out / split / f"{number:04d}.npy", piece)
    print(f"{given.out}: {', '.join(f'{len(found)} {split}' for split, found in pieces.items())}", file=sys.stderr)


if __name__ == "__main__":
    main()
