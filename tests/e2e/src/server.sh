# Runs as process 1 of the server's namespaces; $1 is its folder. Everything that a daemon
# changes is private: the machine that runs the checks stays as it was.
set -eu
T=$1
mount --make-rprivate /
mkdir -p "$T/etc" "$T/log" "$T/dev"
cp -a /etc/. "$T/etc/"
: >"$T/etc/resolv.conf"
echo 192.0.2.1 server >>"$T/etc/hosts"
mount --bind "$T/etc" /etc
mount --bind "$T/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /home
mkdir -p /run/sshd /run/lock
for folder in /var/spool/postfix /var/lib/postfix /var/lib/dovecot /var/lib/nginx /var/mail; do
    [ -d "$folder" ] || continue
    mkdir -p "$T$folder"
    cp -a "$folder/." "$T$folder/"
    mount --bind "$T$folder" "$folder"
done
# A /dev of its own, so that /dev/log is not the machine's.
mount -t tmpfs -o mode=755 tmpfs "$T/dev"
for node in null zero full random urandom tty; do
    : >"$T/dev/$node"
    mount --bind "/dev/$node" "$T/dev/$node"
done
mkdir "$T/dev/pts" "$T/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$T/dev/pts"
ln -s pts/ptmx "$T/dev/ptmx"
ln -s /proc/self/fd "$T/dev/fd"
mount -t tmpfs tmpfs "$T/dev/shm"
mount --rbind "$T/dev" /dev
ip link set lo up
echo ready
# The input ends when whoever started this ends, and with process 1 everything here ends.
while read -r _; do :; done
