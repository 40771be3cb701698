# Makes the virtual machine a node in IPVS mode, whose kernel has it. The scripts beside this one go on
# from here, in the same shell, with its variables and functions: they print a section a step, and the
# test reads those. The arguments are TIDEGATE FOLDER.
tidegate=$1 folder=$2
mount -t cgroup2 none /sys/fs/cgroup
ip link add eth0 type veth peer name eth0-peer
ip addr add 192.0.2.10/24 dev eth0
ip link set eth0 up
ip link set eth0-peer up
ip route add default via 192.0.2.1
touch /no-resolver.conf

# Tries a command until it succeeds; says so if it never does.
await() {
  for _ in $(seq 600); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "never: $*"
  cat /*.log
  exit 1
}
# One HTTP call: `call ADDRESS PORT PATH` prints the body.
call() {
  exec 3<>"/dev/tcp/$1/$2" || return
  printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&3
  timeout 20 sed '1,/^\r$/d' <&3
  exec 3>&-
}
proxy_mode_is() { [ "$(call 127.0.0.1 10249 /proxyMode)" = "$1" ]; }
apply() { "$tidegate" apply --data-dir /data -f "$1" >/dev/null; }

"$tidegate" up --data-dir /data --node-name vm --resolv-conf /no-resolver.conf >/up.log 2>&1 &
up=$!
await grep -q "ready in" /up.log
apply "$folder/ipvs.yaml"
await proxy_mode_is ipvs
