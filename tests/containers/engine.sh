# Starts the engine within its root, makes the images that a registry would have, and checks. Exit
# code 77 if the engine doesn't start.
set -euo pipefail

readonly state=$PWD/target/containers
readonly images=$PWD/tests/containers/images

note() { printf 'containers: %s\n' "$*"; }

mkdir -p "$state/docker"
dockerd --data-root "$state/docker" --iptables=true --ip6tables=false \
  --default-ulimit nofile=20000:20000 >"$state/dockerd.log" 2>&1 &
engine=$!
end() {
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
}
trap end EXIT
tries=0
until docker info >/dev/null 2>&1; do
  (( ++tries < 300 )) && kill -0 "$engine" 2>/dev/null || exit 77
  sleep 0.2
done

has_image() { docker image inspect "$1" >/dev/null 2>&1; }
import() { has_image "$1" || docker import --change 'CMD ["bash"]' "$2" "$1" >/dev/null; }
# make NAME FILE [CONTEXT]
make() {
  has_image "$1" && return 0
  note "making $1"
  docker build --quiet --tag "$1" --file "$images/$2" "${3:-$images}" >/dev/null
}

import debian:bookworm-slim "$state/bookworm.tar"
import debian:trixie-slim "$state/trixie.tar"
make postgres:17-bookworm postgres.Containerfile
make redis:7-bookworm redis.Containerfile
seaweedfs=$(sed -n 's/.*seaweedfs:\${SEAWEEDFS_RELEASE:-\(.*\)}/\1/p' docker-compose.yml | head -n 1)
make "chrislusf/seaweedfs:$seaweedfs" seaweedfs.Containerfile "$state/weed"
if [[ ! -e $state/built ]]; then
  make rust:1.95-slim-bookworm rust.Containerfile /toolchain
fi
python3 tests/containers/checks.py
