"""``python -m netfig``."""

from netfig.cli import main

if __name__ == "__main__":
    main()
