# What a reader of a tutorial does about IPVS, on a machine whose kernel has it. Prints a section a
# step; the test reads them. Runs as `bash tutorial.sh TIDEGATE FOLDER`.
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
  cat /up.log
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
three_pods_are_ready() { [ "$("$tidegate" get endpoints hostnames --data-dir /data | grep -o :9376 | wc -l)" = 3 ]; }
real_servers() { [ "$(ipvsadm -Ln | grep -c ':9376 ')" = "$1" ]; }
shows() { ipvsadm -Ln | grep -q "$1"; }

"$tidegate" up --data-dir /data --node-name vm --resolv-conf /no-resolver.conf >/up.log 2>&1 &
up=$!
await grep -q "ready in" /up.log
"$tidegate" apply --data-dir /data -f "$folder/hostnames.yaml" >/dev/null
await three_pods_are_ready

"$tidegate" apply --data-dir /data -f "$folder/ipvs.yaml" >/dev/null
await proxy_mode_is ipvs
await real_servers 3
cluster_ip=$("$tidegate" get service hostnames --data-dir /data -o json | grep -o '"clusterIP": *"[^"]*' | cut -d'"' -f4)
echo "== cluster IP"
echo "$cluster_ip"
echo "== ip addr show kube-ipvs0"
ip addr show kube-ipvs0
echo "== ipvsadm -Ln"
ipvsadm -Ln
echo "== calls"
for _ in 1 2 3 4 5 6; do call "$cluster_ip" 80 /; echo; done

sed 's/^  name: hostnames$/&\n  annotations: {tidegate.dev\/scheduler: lc}/' "$folder/hostnames.yaml" >/lc.yaml
"$tidegate" apply --data-dir /data -f /lc.yaml >/dev/null
await shows "TCP  $cluster_ip:80 lc"
echo "== another scheduler"
ipvsadm -Ln | grep "$cluster_ip:80"

"$tidegate" apply --data-dir /data -f "$folder/nftables.yaml" >/dev/null
await proxy_mode_is nftables
echo "== calls in another mode"
call "$cluster_ip" 80 /
echo
kill -INT $up
wait $up
echo "== the end"
echo "exit code $?"
ipvsadm -Ln | grep -c :9376
ip link show kube-ipvs0 2>&1 | head -1
