#!/usr/bin/env bash
# What a release is made of, in a folder (default target/dist): an archive of static programs with completions, scenarios, schemas and guides, the
# image where an engine answers, the dependencies with their licences, and checksums. The archive is unpacked and tried at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-target/dist}" && cd "${1:-target/dist}" && pwd)
id=$(cargo pkgid -p harness)
version=${id##*[#@]}
name=lockstep-$version-$(uname -m)-linux
platform=$(uname -m)-unknown-linux-gnu

# As `lockstep image build` does: what runs while building is not static, hence the platform and a target folder of its own.
RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" CARGO_TARGET_DIR=target/static cargo build --release --locked --target "$platform" \
  -p harness --bin lockstep --bin reference-node -p node --bin masternode -p agent --bin lockstep-agent
built=target/static/$platform/release
for program in lockstep reference-node masternode lockstep-agent; do
  if readelf --program-headers "$built/$program" | grep -q INTERP; then
    echo "$program is not static" >&2
    exit 1
  fi
done

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
dir=$stage/$name
mkdir -p "$dir/static" "$dir/completions"
cp "$built/lockstep" "$built/reference-node" "$built/masternode" "$dir"
cp "$built/lockstep-agent" "$dir/static"
# `image build` takes its programs from here.
ln -s ../masternode ../lockstep "$dir/static"
cp -r README.md CHANGELOG.md LICENSE-* docs schemas scenarios "$dir"
mkdir "$dir/fixtures"
cp -r fixtures/cases "$dir/fixtures"
for shell in bash elvish fish powershell zsh; do
  "$built/lockstep" completions "$shell" >"$dir/completions/lockstep.$shell"
done
# What the programs are made of, without what only tests or builds need.
cargo tree --locked -e normal --prefix none -f '{p} {l}' -p harness -p node -p agent --target "$platform" |
  sed -e 's/ ([^)]*)//g' | grep -vE '^(harness|node|agent) v|^$' | sort -u >"$dir/DEPENDENCIES.txt"
if grep -nvE '^[^ ]+ v[^ ]+ [^ ]' "$dir/DEPENDENCIES.txt"; then
  echo "these have no licence" >&2
  exit 1
fi
tar -C "$stage" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -czf "$out/$name.tar.gz" "$name"
files=("$name.tar.gz")

if docker version >/dev/null 2>&1; then
  "$dir/lockstep" image build
  docker tag lockstep/masternode:dev "lockstep/masternode:$version"
  docker save "lockstep/masternode:$version" | gzip -n >"$out/masternode-$version-image.tar.gz"
  files+=("masternode-$version-image.tar.gz")
else
  echo "no Docker Engine answers: the release has no image" >&2
fi
(cd "$out" && sha256sum "${files[@]}" >SHA256SUMS)

# As somebody who has only the archive.
mkdir "$stage/tried"
tar -C "$stage/tried" -xzf "$out/$name.tar.gz"
cd "$stage/tried/$name"
(cd "$out" && sha256sum --quiet -c SHA256SUMS)
./lockstep run --filter phase-3/01
./lockstep certify --reference --case MNS-SC-01 --out "$stage/statement"
./masternode --version
ls -l "$out"
