#!/bin/sh
# Installs what building, testing and measuring conc needs, on Debian 12, if it is not there yet.
#
#   tools/setup.sh          installs what is missing; quick when nothing is
#   tools/setup.sh --peers  what the benchmarks compare with as well, and can do without
#   tools/setup.sh --list   prints the packages, one a line
#
# Elsewhere, or without the right to install, it names the packages and ends with status 1.
set -eu

packages='
  g++
  gdb
  clang
  libclang-rt-14-dev
  make
  meson
  ninja-build
  pkg-config
  cmake
  python3
  curl
  spin
  liburing-dev
  libhwloc-dev
  libabsl-dev
  libgtest-dev
  libbenchmark-dev
  libboost-context-dev
  libboost-fiber-dev
  valgrind
'
peers='
  golang-go
  libck-dev
  libnsync-dev
  libpth-dev
  libst-dev
  libtbb-dev
'

case "${1:-}" in
  '') ;;
  --peers) packages="$packages $peers" ;;
  --list) printf '%s\n' $packages; exit 0 ;;
  *) echo "usage: $0 [--peers | --list]" >&2; exit 2 ;;
esac

give_up() {
  echo "conc: $1" >&2
  echo "conc: please install what these Debian 12 packages contain, then run this again:" >&2
  echo "  $2" >&2
  exit 1
}

is_debian_12() {
  [ -r /etc/os-release ] && (
    . /etc/os-release
    [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ]
  )
}

# Another distribution names its packages differently; whether the tools are there can still be
# seen. Boost has no pkg-config file, so its header speaks for it.
missing_elsewhere() {
  for tool in g++ clang++ make meson ninja pkg-config cmake python3 spin valgrind; do
    command -v "$tool" >/dev/null 2>&1 || echo "$tool"
  done
  for library in liburing hwloc absl_base gtest_main benchmark; do
    pkg-config --exists "$library" 2>/dev/null || echo "$library"
  done
  echo '#include <boost/fiber/all.hpp>' | g++ -E -x c++ - >/dev/null 2>&1 || echo boost-fiber
}

if ! is_debian_12; then
  [ -z "$(missing_elsewhere)" ] && exit 0
  give_up "this is not Debian 12, and it lacks: $(missing_elsewhere | tr '\n' ' ')" \
    "$(echo $packages)"
fi

# One dpkg-query for all: it is the whole cost when nothing is missing.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null || true)
missing=''
for package in $packages; do
  printf '%s\n' "$installed" | grep -qxF "$package installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=''
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=sudo
else
  give_up 'neither root nor a user who may use sudo here.' "apt-get install$missing"
fi

echo "conc: installing$missing"
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}
apt update || give_up 'apt-get update failed.' "apt-get install$missing"
apt install -y --no-install-recommends $missing ||
  give_up 'apt-get install failed.' "apt-get install$missing"
