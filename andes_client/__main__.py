"""`python -m andes_client` is the `andes` command, also where another program has that name."""

from andes_client.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main(prog="python -m andes_client")
