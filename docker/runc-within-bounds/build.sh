#!/bin/bash
# build.sh FILE: compiles runc-within-bounds. Needs gcc.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"${CC:-gcc}" -Os -Wall -Wextra -Werror -o "$1.new" "$here/runc-within-bounds.c"
mv "$1.new" "$1"
