#!/usr/bin/env bash
# Builds the peers that no Debian package brings, Cloudprober and Gatus, from Go modules into .cache/bin, where
# `npm run bench` finds them. Only the benchmark wants them: some minutes the first time.
# Needs Go 1.26 or newer: `GO=… scripts/build-peers.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."

go=${GO:-go}
# Program, package of it, module and version.
peers=(
  "cloudprober github.com/cloudprober/cloudprober/cmd/cloudprober github.com/cloudprober/cloudprober v0.14.4"
  "gatus github.com/TwiN/gatus/v5 github.com/TwiN/gatus/v5 v5.36.0"
)
bin=$PWD/.cache/bin
# Compiling takes gigabytes with one compiler per core of a large machine.
export GOFLAGS="-p=2 -buildvcs=false" CGO_ENABLED=0
mkdir -p "$bin"

for row in "${peers[@]}"; do
  read -r program package module version <<<"$row"
  stamp="$package $version"
  if [ "$(cat "$bin/.$program" 2>/dev/null)" = "$stamp" ] && [ -x "$bin/$program" ]; then continue; fi
  echo "Building $program $version …"
  work=$PWD/.cache/build/$program
  rm -rf "$work"
  mkdir -p "$work"
  (
    cd "$work"
    "$go" mod init "healthspan.test/$program"
    "$go" get "$module@$version"
    "$go" build -mod=mod -trimpath -ldflags="-s -w -X main.version=${version#v}" -o "$bin/$program" "$package"
  )
  echo "$stamp" >"$bin/.$program"
done
