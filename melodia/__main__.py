"""`python -m melodia`, and so `torchrun -m melodia`."""

from melodia.commands import main

if __name__ == "__main__":
    main(prog_name="melodia")
