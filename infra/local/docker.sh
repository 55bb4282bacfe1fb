#!/usr/bin/env bash
# Docker and an image to run functions on, for machines that reach no container registry.
#
#   apt-get install --no-install-recommends docker.io busybox-static
#   eval "$(infra/local/docker.sh start)"      starts Docker unless one answers, makes the image, sets DOCKER_HOST
#   infra/local/docker.sh stop
#
# The image is a stand-in for public.ecr.aws/lambda/provided:al2023, made from this machine's own C library
# and busybox: it shows that a function starts and works, not that it fits Amazon Linux. That is what
# the check of the needed glibc in .ci/full is for.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/.hashcart/docker
image=hashcart-stand-in:latest

answers() { docker version >/dev/null 2>&1; }

start_docker() {
  [ "$(id -u)" = 0 ] || { echo "Docker doesn't answer, and only root can start one" >&2; exit 1; }
  mkdir -p "$folder"
  export DOCKER_HOST=unix://$folder/docker.sock
  if ! answers; then
    setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
      --pidfile "$folder/dockerd.pid" >"$folder/dockerd.log" 2>&1 </dev/null &
    local deadline=$((SECONDS + 60))
    until answers; do
      if [ $SECONDS -gt $deadline ]; then
        tail -n 20 "$folder/dockerd.log" >&2
        echo "Docker isn't up after a minute; above is the end of $folder/dockerd.log" >&2
        exit 1
      fi
      sleep 0.2
    done
  fi
  echo "export DOCKER_HOST=$DOCKER_HOST"
}

# A root with a shell and the libraries that the function's binary may ask for.
make_image() {
  local work library
  work=$(mktemp -d)
  mkdir -p "$work"/{bin,etc,lib64,tmp,var/task,var/runtime,usr/bin}
  cp "$(command -v busybox)" "$work/bin/busybox"
  for name in sh ls cat env; do ln -s busybox "$work/bin/$name"; done
  for library in libc.so.6 libm.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0 librt.so.1; do
    cp -L "$(ldconfig -p | awk -v name="$library" '$1 == name && /64/ { print $NF; exit }')" "$work/lib64/"
  done
  case $(uname -m) in
    x86_64) cp -L /lib64/ld-linux-x86-64.so.2 "$work/lib64/" ;;
    aarch64) mkdir "$work/lib"; cp -L /lib/ld-linux-aarch64.so.1 "$work/lib/" ;;
  esac
  echo 'root:x:0:0:root:/:/bin/sh' >"$work/etc/passwd"
  printf '%s\n' 'FROM scratch' 'COPY . /' 'ENV PATH=/bin:/usr/bin LD_LIBRARY_PATH=/lib64 LAMBDA_TASK_ROOT=/var/task' \
    'WORKDIR /var/task' >"$work/Dockerfile"
  docker build --quiet --tag "$image" "$work" >&2
  rm -r "$work"
}

case ${1:-} in
  start)
    answers || start_docker
    make_image
    ;;
  stop)
    [ ! -f "$folder/dockerd.pid" ] || kill "$(cat "$folder/dockerd.pid")"
    ;;
  *)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit 2
    ;;
esac
