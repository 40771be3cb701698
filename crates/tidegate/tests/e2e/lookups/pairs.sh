# Asks a DNS server for A and AAAA at once from one port, as musl's resolver does, and prints how
# many pairs of questions had both answers. Nobody asks again here: musl would, after five seconds,
# which is the famous delay. Runs as `bash pairs.sh ADDRESS PORT COUNT`, and ends with the first
# pair that has lost one.
name='\003two\007default\003svc\007cluster\005local\0'
good=0
for ((pair = 0; pair < $3; pair++)); do
  exec 3<>"/dev/udp/$1/$2"
  printf "4.\1\0\0\1\0\0\0\0\0\0$name\0\1\0\1" >&3
  printf "6.\1\0\0\1\0\0\0\0\0\0$name\0\34\0\1" >&3
  # To read one octet is to take a whole datagram, and its first one tells which answer it is.
  read -r -N 1 -t 20 -u 3 one
  read -r -N 1 -t 20 -u 3 other
  exec 3>&-
  [[ $one$other == [46][46] && $one != "$other" ]] || break
  good=$((good + 1))
done
echo "$good"
