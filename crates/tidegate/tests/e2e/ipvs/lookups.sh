# A pod that looks names up through a Service with two DNS servers.
in_pod() { "$tidegate" exec --data-dir /data client -- "$@"; }
# Whether a pair of questions to `ADDRESS PORT` is answered.
answers() { [ "$("${@:3}" bash "$folder/pairs.sh" "$1" "$2" 1)" = 1 ]; }
two_servers_are_there() { [ "$(ipvsadm -Ln -u 10.96.0.99:53 | grep -c ' 10.244.0.1:')" = 2 ]; }

"$tidegate" dns --corefile "$folder/Corefile" --kubeconfig /data/admin.kubeconfig >/dns.log 2>&1 &
second=$!
apply "$folder/lookups.yaml"
await two_servers_are_there
await in_pod true
await answers 10.244.0.1 5353
await answers 10.96.0.99 53 in_pod
echo "== pairs"
in_pod bash "$folder/pairs.sh" 10.96.0.99 53 200
echo "== pairs of each server"
ipvsadm -Ln -u 10.96.0.99:53
kill $second
