# An engine of containers in a folder: Debian's, with a root of its own. Sourced by `run` for its
# functions; with `enter`, run as the first process of new namespaces, it becomes that root.
set -euo pipefail

readonly project=$PWD
readonly state=$project/target/containers
readonly mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

note() { printf 'containers: %s\n' "$*"; }

# Makes a root of a release, once.
make_root() {
  local release=$1 root=$state/$1
  [[ -e $root.made ]] && return 0
  note "installing Debian $release into target/containers"
  rm -rf --one-file-system "$root"
  # What it mounts meanwhile is gone with the namespace, however it ends.
  unshare --mount debootstrap --variant=minbase --include=ca-certificates "$release" "$root" "$mirror" \
    >"$state/$release.log" 2>&1 || return 1
  rm -f "$root"/var/cache/apt/archives/*.deb
  # What the image of that name is made of.
  tar -C "$root" --exclude=./var/lib/apt/lists/* -cf "$state/$release.tar" .
  touch "$root.made"
}

prepare_roots() {
  make_root bookworm && make_root trixie || return 1
  [[ -e $state/engine.made ]] && return 0
  note "installing the engine into target/containers"
  in_root sh -c 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -qq --no-install-recommends docker.io docker-cli \
      docker-buildx docker-compose iptables iproute2 python3 procps' \
    >"$state/engine.log" 2>&1 || return 1
  touch "$state/engine.made"
}

in_root() { chroot "$state/trixie" "$@"; }

# Notes how the network of this machine is, before the engine changes it.
note_network() {
  local table
  for table in raw mangle nat filter; do
    in_root iptables-save --table "$table"
  done >"$state/network"
  sysctl --values net.ipv4.ip_forward >"$state/forwards"
}

# Puts the network back as it was noted.
restore_network() {
  local link
  in_root ip -oneline link show type bridge | grep -oE '(docker0|br-[0-9a-f]{12})' | sort -u |
    while read -r link; do in_root ip link delete "$link" || true; done
  in_root iptables-restore <"$state/network"
  sysctl --quiet "net.ipv4.ip_forward=$(cat "$state/forwards")"
}

# Makes the trixie root the root of these namespaces. (Within a mere chroot, checks of containers
# whose working directory is a volume fail.)
enter() {
  local root=$state/trixie place
  mount --make-rprivate /
  mount --bind "$root" "$root"
  for place in /dev /sys; do mount --rbind "$place" "$root$place"; done
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp /etc/hosts "$root/etc/hosts"
  mkdir -p "$root$project" "$root/old"
  mount --rbind "$project" "$root$project"
  # The engine's own image of Rust is made of the toolchain of this machine.
  mkdir -p "$root/toolchain/rust" "$root/toolchain/certificates"
  if command -v rustc >/dev/null; then
    mount --bind "$(rustc --print sysroot)" "$root/toolchain/rust"
    mount --bind /etc/ssl/certs "$root/toolchain/certificates"
  fi
  cd "$root"
  pivot_root . old
  umount --lazy /old
  cd "$project"
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
  exec bash tests/containers/engine.sh
}

if [[ ${1-} == enter ]]; then enter; fi
