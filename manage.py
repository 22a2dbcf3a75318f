#!/usr/bin/env python3
"""`up`, `test` and `stop` need nothing but Python; every other command is Django's, in our venv."""

import sys

FLOOR = (3, 11)


def main():  # type: () -> int
    # Before any import of ours: an older Python cannot even parse those.
    if sys.version_info < FLOOR:
        have = "{}.{}.{}".format(*sys.version_info[:3])
        sys.stderr.write("VeloFlux needs Python 3.11 or later; this is {}.\n".format(have))  # noqa: UP032 - an old Python must understand this line
        return 1
    from veloflux_site.local import commands

    return commands.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
