#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, where they are missing. The folder is closed to others; the files
# are readable, since the containers run under accounts of their own.
set -eu
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
chmod 700 "$folder"

make() {
  [ -s "$folder/$1" ] || { umask 022; cat >"$folder/$1.new"; mv "$folder/$1.new" "$folder/$1"; }
}
random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

random | make postgres-owner-password
random | make postgres-app-password
random | make temporal-password
printf 'postgres://rotor_owner:%s@postgres:5432/rotor' "$(cat "$folder/postgres-owner-password")" | make database-owner-url
printf 'postgres://rotor_app:%s@postgres:5432/rotor' "$(cat "$folder/postgres-app-password")" | make database-url
