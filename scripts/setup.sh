# shellcheck shell=sh disable=SC2154 # sourced by scripts that set $root
# Shared by scripts/demo and scripts/test, which source it with $root set: gives them $venv, a
# virtual environment with the locked dependencies and this project in it. Made once; a second
# call only compares a stamp.
#
#   AVATARRIG_PYTHON   the Python to use (3.11 to 3.14); its environment is then .venv-<version>

say() { printf '%s\n' "==> $*" >&2; }
die() { printf '%s\n' "$@" >&2; exit 1; }

usable_python() { # PYTHON: does it run, and has every dependency wheels for it?
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

find_python() { # sets $python
  if [ -n "${AVATARRIG_PYTHON:-}" ]; then
    python=$AVATARRIG_PYTHON
    usable_python "$python" || die "AVATARRIG_PYTHON=$python is no Python 3.11 to 3.14 that runs."
    return
  fi
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if usable_python "$python"; then return; fi
  done
  die "AvatarRig needs Python 3.11, 3.12, 3.13 or 3.14, and found none on PATH." \
    "Install one (Debian 12+, Ubuntu 24.04+: apt-get install python3 python3-venv)," \
    "or name one: AVATARRIG_PYTHON=/path/to/python3.12 $0"
}

missing_packages() { # LOCK: Debian packages that Python's venv, the wheels and the tests lack here
  "$python" - "$1" <<'PYTHON'
import ctypes, importlib.util, shutil, sys

missing = []
if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
    missing.append(f"python3.{sys.version_info.minor}-venv")
libraries = {
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
if sys.argv[1] == "test":
    libraries["libatomic.so.1"] = "libatomic1"  # what drives the browser needs it
for library, package in libraries.items() if sys.platform == "linux" else ():
    try:
        ctypes.CDLL(library)
    except OSError:
        missing.append(package)
if sys.argv[1] == "test" and sys.platform == "linux":  # a real browser and a real Prometheus look at what is served
    tools = {"chromium": "chromium", "promtool": "prometheus"}
    missing += [package for tool, package in tools.items() if not shutil.which(tool)]
print(*missing)
PYTHON
}

install_system_packages() { # LOCK
  packages=$(missing_packages "$1")
  [ -n "$packages" ] || return 0
  command -v apt-get >/dev/null ||
    die "These are missing, by their Debian names: $packages" \
      "Install what your system calls them, then run this again."
  [ "$(id -u)" = 0 ] ||
    die "Some system packages are missing. Install them, then run this again:" \
      "  sudo apt-get update && sudo apt-get install -y $packages"
  say "Installing system packages: $packages"
  # shellcheck disable=SC2086 # a list of names
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $packages >/dev/null; } </dev/null ||
    die "apt-get could not install: $packages (its own words are above)"
}

wanted_stamp() { # what the environment depends on, as one line
  { printf '%s\n' "$root"
    cat "$root/pyproject.toml" "$root"/requirements/*.txt "$venv/pyvenv.cfg"; } | cksum
}

prepared() { # LOCK: is it installed, and does the environment's Python still run?
  [ -f "$venv/installed-$1" ] && [ "$(cat "$venv/installed-$1")" = "$(wanted_stamp)" ] &&
    "$venv/bin/python" -c 'import msgspec' 2>/dev/null
}

pip_install() { # PIP_OPTIONS; of what is never imported no bytecode is made: 60 MB less
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-compile "$@" ||
    die "pip could not install the dependencies (its own words are above)." \
      "It needs to reach a package index; run this again once it does."
}

prepare() { # LOCK: the environment with requirements/LOCK.txt
  venv=$root/.venv
  if [ -n "${AVATARRIG_PYTHON:-}" ]; then
    find_python
    venv=$root/.venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  fi
  if prepared "$1"; then return 0; fi
  find_python
  install_system_packages "$1"
  if ! usable_python "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1
  then
    say "Making the environment $venv ($("$python" --version))"
    "$python" -m venv --clear "$venv" || die "Python could not make $venv."
  fi
  say "Installing the locked dependencies (requirements/$1.txt); the first time takes a minute or two"
  pip_install --require-hashes --requirement "$root/requirements/$1.txt"
  # The project's own build tools are in the lock too, hence no build isolation.
  pip_install --no-deps --no-build-isolation --editable "$root"
  # Where warnings are errors, those of compiling other people's code must not come up in a test.
  [ "$1" != test ] || "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null 2>&1 || :
  wanted_stamp >"$venv/installed-$1"
  [ "$1" != test ] || wanted_stamp >"$venv/installed-run" # test.txt holds all of run.txt
}
