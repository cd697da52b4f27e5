#!/usr/bin/env bash
# Builds the single-file binary: builds/<os>-<arch>/hapta-server for this machine, or for every platform with
# --all, and builds/SHA256SUMS over what was built. Needs Node and npm; other platforms' Bun comes from npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

targets=(linux-x64 linux-arm64 darwin-x64 darwin-arm64 windows-x64 windows-arm64)
case "${1:-}" in
  --all) ;;
  "")
    case "$(uname -s)" in
      Linux) os=linux ;;
      Darwin) os=darwin ;;
      MINGW* | MSYS* | CYGWIN*) os=windows ;;
      *) echo "build.sh: no target for $(uname -s)" >&2; exit 1 ;;
    esac
    case "$(uname -m)" in
      x86_64 | amd64) arch=x64 ;;
      arm64 | aarch64) arch=arm64 ;;
      *) echo "build.sh: no target for $(uname -m)" >&2; exit 1 ;;
    esac
    targets=("$os-$arch")
    ;;
  *) echo "usage: Scripts/build.sh [--all]" >&2; exit 2 ;;
esac

node Scripts/install.mjs
bun=node_modules/bun/bin/bun.exe
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
rm -rf builds
mkdir builds

for target in "${targets[@]}"; do
  name=hapta-server
  [[ $target == windows-* ]] && name=hapta-server.exe
  # --env=disable, __dirname: nothing of the builder's environment gets in, nor his folders, so that the same source
  # makes the same bytes anywhere. At run time only Hapta's own code reads .env.
  "$bun" build src/index.ts --compile --target="bun-$target" --env=disable \
    --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
    --define __dirname='"/"' --define HAPTA_COMMIT="\"$commit\"" --outfile="builds/$target/$name" >/dev/null
  echo "builds/$target/$name"
done

(
  cd builds
  sum=(sha256sum)
  command -v sha256sum >/dev/null || sum=(shasum -a 256)
  "${sum[@]}" */hapta-server* >SHA256SUMS
)
