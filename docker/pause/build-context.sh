#!/bin/bash
# build-context.sh DIR: lays out what the image is built from. Needs gcc.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cp "$here/Dockerfile" "$1/"
"${CC:-gcc}" -Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pic \
  -nostdlib -static -no-pie -s -Wl,--build-id=none,-z,noseparate-code,-z,norelro,-z,noexecstack \
  -o "$1/pause" "$here/pause.c"
