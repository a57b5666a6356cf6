"""`python -m thinkedit`: the command line."""

from thinkedit.cli import main

if __name__ == "__main__":
    main()
