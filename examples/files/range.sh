#!/bin/sh
# Downloads a file with ranges: looks at its head, takes the first KiB, then goes on from there as an interrupted download
# would, asking whether the file is still the same. Usage: range.sh URL OUTPUT
set -eu
url=$1
output=$2

# The length and the tag, without a byte of the file.
curl -sfI "$url" | grep -iE '^(content-length|etag|accept-ranges):'

# The first KiB.
curl -sf -r 0-1023 -o "$output" "$url"

# The rest. If-Range: another file under this URL would come whole, and curl would say so instead of gluing them together.
tag=$(curl -sfI "$url" | tr -d '\r' | awk 'tolower($1) == "etag:" { print $2 }')
curl -sf -C - ${tag:+-H "If-Range: $tag"} -o "$output" "$url"

# What has not changed need not come again.
test -z "$tag" || curl -s -o /dev/null -w 'unchanged: %{http_code}\n' -H "If-None-Match: $tag" "$url"
