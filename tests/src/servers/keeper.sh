# Keeps one test server: takes orders, one a line, from the test process, and
# answers each with a line. However the test process ends (also by SIGKILL), the
# orders end too; then the server is ended and the folder removed.
#
# $1: the signal that ends the server at once and cleanly

server=
litter=

# Runs a program to its end; answers its status.
run() {
  "$@" >>"$home/log" 2>&1 </dev/null
  echo "$?"
}

# Starts the server; answers its process id.
start() {
  "$@" >>"$home/log" 2>&1 </dev/null &
  server=$!
  echo "$server"
}

# Sends the server a signal that ends it; answers its status once it has ended.
finish() {
  status=0
  if [ -n "$server" ]; then
    kill -s "$1" "$server" 2>/dev/null
    # A trapped signal can end a wait early: wait for the process itself.
    while :; do
      wait "$server"
      status=$?
      kill -0 "$server" 2>/dev/null || break
    done
  fi
  server=
  echo "$status"
}

clean() {
  trap '' TERM INT HUP
  finish "$ending" >/dev/null
  cd /
  rm -rf "$home"
  # shellcheck disable=SC2086 # patterns are meant
  [ -z "$litter" ] || rm -f $litter
}

ending=$1
home=$(mktemp -d "${TMPDIR:-/tmp}/dossier-tests-XXXXXXXX") || exit 1
trap clean EXIT
trap 'exit 143' TERM INT HUP
# A broken pipe must not end the keeper before the server.
trap '' PIPE
# A server that runs as another user has to get through to its own folder.
chmod 711 "$home"
cd "$home" || exit 1
TMPDIR=$home HOME=$home
export TMPDIR HOME
echo "$home"
while IFS= read -r order; do
  eval "$order"
done
