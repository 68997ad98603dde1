"""`python -m hmmdsl` is `hmmdsl`."""

from hmmdsl.cli.app import main

if __name__ == "__main__":
    main()
