"""Become one of the programs: with its own environment only, and ended when its parent is.

Run by the supervisor as `python -S -m veloflux_site.local.launch NAME`. So no secret lies in the supervisor's
configuration, and none of its environment reaches a program that has no business with it.
"""

import os
import sys
from collections.abc import Mapping

from veloflux_site.local import environment, joined
from veloflux_site.local.folder import HERE
from veloflux_site.local.programs import Knows, Program, for_node, node_environment, table

# What any program may know of the machine: its user, language, proxies and certificates.
COMMON = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)


def common(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: given[name] for name in COMMON if name in given}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"} | kept


def own_environment(program: Program, settings: Mapping[str, str], node: Mapping[str, str]) -> dict[str, str]:
    """The settings that this program may know."""
    match program.knows:
        case Knows.CONSOLE:
            return {name: value for name, value in settings.items() if environment.is_setting(name)}
        case Knows.NODE:
            return dict(node) if program.node == joined.NAME else for_node(node, settings, name=program.node)
        case Knows.NOTHING:
            return {}


def full_command(program: Program) -> list[str]:
    """A change of user clears the death signal, so it is set after the wrap (prctl(2), PR_SET_PDEATHSIG)."""
    return [*program.wrap, "setpriv", "--pdeathsig", program.death, *program.command]


def become(name: str) -> None:
    settings = environment.read(HERE.env_file)
    programs = joined.table(HERE) if joined.is_joined(HERE) else table(settings, folder=HERE)
    program = programs[name]
    node = node_environment(HERE, program.node) if program.node else {}
    os.chdir(program.directory or HERE.root)
    command = full_command(program)
    os.execvpe(command[0], command, common(os.environ) | own_environment(program, settings, node))  # noqa: S606 - no shell


if __name__ == "__main__":
    become(sys.argv[1])
