#!/bin/sh
# Gathers in a folder what the image has beside the package: Node with the libraries it needs, tini, and one user without rights.
#   gather.sh FOLDER
set -eu
root=$1
node=$(command -v node)
mkdir -p "$root/usr/local/bin" "$root/usr/bin" "$root/etc" "$root/tmp" "$root/data"
cp -L "$node" "$root/usr/local/bin/node"
cp -L "$(command -v tini-static)" "$root/usr/bin/tini"
for library in $(ldd "$node" | grep -o '/[^ )]*'); do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
echo 'concertina:x:1000:1000::/data:/nonexistent' > "$root/etc/passwd"
echo 'concertina:x:1000:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
chown 1000:1000 "$root/data"
