#!/usr/bin/env bash
# Rebuilds the modules that are shipped built: `names` needs clang and wasm-ld (Debian: clang-14 lld-14), `tags` needs
# AssemblyScript (npm install assemblyscript@0.28.20; say where with ASC=…/asc). `blocker` is a text and needs nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

"${CLANG:-clang-14}" --target=wasm32 -std=c11 -Wall -Wextra -Werror -Oz -nostdlib -fvisibility=hidden \
    -Wl,--no-entry -Wl,--strip-all -Wl,--initial-memory=65536 -Wl,-z,stack-size=4096 \
    -o names/names.wasm names/names.c

"${ASC:-asc}" tags/tags.ts --outFile tags/tags.wasm \
    --runtime stub --use abort= --noAssert -O3z --initialMemory 1

ls -l names/names.wasm tags/tags.wasm
