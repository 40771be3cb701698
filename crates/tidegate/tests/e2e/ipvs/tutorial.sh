# What a reader of a tutorial does about IPVS. Ends tidegate.
three_pods_are_ready() { [ "$("$tidegate" get endpoints hostnames --data-dir /data | grep -o :9376 | wc -l)" = 3 ]; }
real_servers() { [ "$(ipvsadm -Ln | grep -c ':9376 ')" = "$1" ]; }
shows() { ipvsadm -Ln | grep -q "$1"; }

apply "$folder/hostnames.yaml"
await three_pods_are_ready
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
apply /lc.yaml
await shows "TCP  $cluster_ip:80 lc"
echo "== another scheduler"
ipvsadm -Ln | grep "$cluster_ip:80"

apply "$folder/nftables.yaml"
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
