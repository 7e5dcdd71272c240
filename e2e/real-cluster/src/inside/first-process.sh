#!/bin/bash
# The first process of a cluster's namespaces: sets them up, then runs the supervisor and reaps orphans, which Node does
# not do. When this process ends, the kernel ends all other processes of the pid namespace.
#
# first-process.sh FOLDER NODE_ADDRESS/BITS SERVICE_NETWORK COMMAND...
set -euo pipefail
folder=$1 address=$2 services=$3
shift 3

# The node's network. A veth pair takes the place of a network card.
ip link set lo up
ip link add node0 type veth peer name node1
ip addr add "$address" dev node0
ip link set node0 up
ip link set node1 up
# Without a route to it the address of a Service would be unreachable before a rule of kube-proxy sees the packet.
ip route add "$services" dev node0 src "${address%/*}"
echo 1 > /proc/sys/net/ipv4/ip_forward

# A kubelet sets these for the whole machine. It gets files instead.
for setting in kernel/panic kernel/panic_on_oops vm/overcommit_memory; do
  file=$folder/${setting//\//-}
  cat "/proc/sys/$setting" > "$file"
  mount --bind "$file" "/proc/sys/$setting"
done

# Where containerd, CNI plugins and the kubelet write outside of their own folders.
for directory in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$directory"; done
mkdir -p /run/lock /var/lib/kubelet

# Names for the node's own processes. resolv.conf may be a link to a file below /run.
printf 'nameserver %s\n' "${address%/*}" > "$folder/resolv.conf"
printf '127.0.0.1 localhost\n' > "$folder/hosts"
for name in resolv.conf hosts; do
  [ -e "/etc/$name" ] || [ -L "/etc/$name" ] || continue
  target=$(readlink -m "/etc/$name")
  mkdir -p "$(dirname "$target")"
  [ -e "$target" ] || : > "$target"
  mount --bind "$folder/$name" "$target"
done

# A background process would otherwise read from /dev/null. The supervisor detects by its standard input that the process
# that started the cluster has ended.
"$@" <&0 &
wait $!
