#!/usr/bin/env bash
# Several processes train together, on one host and on several; whoever is lost is named to all in time, and a restart ends with the same bytes.
# MGCA_KILLS=N kills or stops so many ranks at random moments more.
# shellcheck source-path=SCRIPTDIR source=expect.sh
. "$(dirname "$0")/expect.sh" "$@"

timeout=2  # seconds without a sign of life; a rank that is lost is known to all a second later
long=("$mgca" pretrain --data data/pairs.csv "${tiny[@]}" --set fit.epochs=20 --set fit.checkpoint_every=5 --set patience=40 --rank-timeout "$timeout")
two=("${long[@]}" --ranks 2)
bytes=(best.safetensors history.csv config.json manifest.json vocabulary.txt split.json)
same_runs() { for file in "${bytes[@]}"; do same_files "$1/$file" "$2/$file"; done; }
now() { date +%s%3N; }

begin() {
  "$@" >out 2>err &
  run=$!
}
# ends CODE PATTERN: the process `run` ends so.
ends() {
  local got=0
  wait $run || got=$?
  cat out err >>everything
  [ $got = "$1" ] || failed "ended with $got, expected $1"
  grep -Eq -- "$2" out err || failed "expected '$2'"
  cases=$((cases + 1))
}
# gone_in_time PID SINCE: it ends within the timeout and a second; three seconds more where nobody asked for measurements, of a machine that is busy.
patience=$((1000 * timeout + (${MGCA_KILLS:-0} > 0 ? 1000 : 4000)))
gone_in_time() {
  while kill -0 "$1" 2>/dev/null && [ "$(state_of "$1")" != Z ]; do
    [ $(($(now) - $2)) -le $patience ] || failed "process $1 still runs $(($(now) - $2)) ms after another was lost"
    sleep 0.01
  done
  slowest=$((slowest > $(now) - $2 ? slowest : $(now) - $2))
}
said_in_lines() { [ "$(wc -l <err)" = "$1" ] || failed "expected $1 lines on standard error"; }
state_of() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
slowest=0

port=$((20000 + RANDOM % 10000))
# Two of three ranks do not come; what the first says of them in the meantime is looked at later. It would give up after 5 minutes.
RANK=0 WORLD_SIZE=3 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "${long[@]}" --out lonely >lonely.out 2>lonely.err &
lonely=$!
end_lonely() {
  trap - EXIT
  if ! kill -KILL $lonely 2>/dev/null; then echo "  rank 0 of 3 has ended by itself"; fi
}
trap end_lonely EXIT

expect 0 'all 20 epochs are done' "${two[@]}" --out whole
grep -q 'on cpu in f32, 2 ranks' out || failed "the number of ranks is not told"

# Killed and started again, twice, it ends with the same bytes.
begin "${two[@]}" --max-restarts 2 --out killed
for rank in 1 0; do
  [ $rank = 1 ] && after='00' || after='00[3-9]'  # the second time beyond what the first left
  until_there $run "killed/checkpoints/step-000000$after*"
  sleep 0.$((RANDOM % 3))$((RANDOM % 10))
  victim=$(process_of $run $rank) other=$(process_of $run $((1 - rank)))
  kill -KILL "$victim"
  gone_in_time "$other" "$(now)"
  while kill -0 $run 2>/dev/null && ! process_of $run 1 >/dev/null; do sleep 0.02; done
done
ends 0 'all 20 epochs are done'
for times in 1 2; do grep -q "rank $((2 - times)) lost: killed by signal 9; all ranks are started again ($times of 2)" err || failed "restart $times is not told"; done
no_temporaries killed
same_runs whole killed

# A rank that stands still is lost after the timeout. SIGTERM stops all after the same step.
begin "${two[@]}" --out stopped
until_there $run 'stopped/checkpoints/step-0000000005*'
other=$(process_of $run 0)
kill -STOP "$(process_of $run 1)"
gone_in_time "$other" "$(now)"
ends 5 "^mgca: rank 1 lost: no sign of life for $timeout s; the same command goes on"
begin "$mgca" pretrain --resume --out stopped --ranks 2
until_there $run 'stopped/checkpoints/step-00000000[4-9]*'
kill -TERM $run
ends 143 'stopped after step [0-9]* of 120; go on with: mgca pretrain --resume --out stopped --ranks 2'
cp -r stopped alone
expect 0 'all 20 epochs are done' "$mgca" pretrain --resume --out stopped --ranks 2
same_runs whole stopped
expect 0 'the run began with 2 ranks and goes on with 1' "$mgca" pretrain --resume --out alone

# Ctrl-Z stops all, for longer than the timeout, and they go on together. In a process group of its own, as a shell with job control gives it one.
set -m
begin "${two[@]}" --out paused
set +m
until_there $run 'paused/checkpoints/step-0000000005*'
all=("$run" "$(process_of $run 0)" "$(process_of $run 1)")
kill -TSTP $run
for process in "${all[@]}"; do
  for ((i = 0; i < 200; ++i)); do [ "$(state_of "$process")" != T ] || break; sleep 0.01; done
done
sleep $((2 * timeout))
for process in "${all[@]}"; do [ "$(state_of "$process")" = T ] || failed "process $process of ${all[*]} does not stand still"; done
kill -CONT $run
ends 0 'all 20 epochs are done'
grep -q 'stopped, with all ranks; fg goes on' err || failed "it is not told that all stopped"
same_runs whole paused

for ((i = 0; i < 400; ++i)); do [ ! -s lonely.err ] || break; sleep 0.1; done
end_lonely
grep -q '^  waiting for ranks 1 and 2, 3[0-9] s so far$' lonely.err || failed "it is not told who is waited for: $(cat lonely.err)"

# As torchrun starts them: no supervisor, rank 0 keeps the meeting place.
as_rank() {
  local rank=$1
  shift
  RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank MASTER_ADDR=127.0.0.1 MASTER_PORT=$port exec "$@" >"out.$rank" 2>"err.$rank"
}
# both OUT OPTIONS_OF_RANK_1...: the processes `first` and `second`.
both() {
  local out=$1
  shift
  port=$((port + 1))
  as_rank 0 "${long[@]}" --out "$out" & first=$!
  as_rank 1 "${others[@]}" --out "$out" "$@" & second=$!
}
code_of() {
  local got=0
  wait "$1" || got=$?
  cat out.? err.? >>everything
  [ $got = "$2" ] || { cat out.? err.? >err; failed "a rank ended with $got, expected $2"; }
}
others=("${long[@]}")
both refused --set loader.seed=7
code_of $first 3
code_of $second 3
grep -q 'loader.seed: rank 1 has 7, rank 0 42' err.0 err.1 || failed "it is not told what differs"
absent refused
sed '2s/Frontal/Lateral/' data/pairs.csv >data/others.csv
others=("${long[@]/pairs.csv/others.csv}")
both refused
code_of $first 3
code_of $second 3
grep -q 'tables: rank 1 has' err.0 err.1 || failed "it is not told that the tables differ"
others=("${long[@]}")
both orphaned
until_there $first 'orphaned/checkpoints/step-0000000005*'
kill -KILL $first
gone_in_time $second "$(now)"
code_of $second 5
grep -q '^mgca: rank 0 lost: ' err.1 || failed "rank 1 does not say who is lost"
[ ! -s out.1 ] || failed "rank 1 speaks"
both orphaned
code_of $first 0
code_of $second 0
same_runs whole orphaned
expect 3 'WORLD_SIZE is not' env RANK=0 "${long[@]}" --out refused
expect 3 'drop --ranks, or unset RANK' env RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "${two[@]}" --out refused
expect 2 '^mgca: .*batch_size of 4 does not divide among 3 ranks; use 6' "${long[@]}" --ranks 3 --out refused
said_in_lines 1  # all ranks say it
expect 5 '^rank 0: mgca: .*cannot make a run folder here' "${two[@]}" --out data/pairs.csv/run
grep -q '^mgca: rank 0 lost: ' err || failed "it is not told that all ended with rank 0"
said_in_lines 2
expect 3 'ranks need parts of one size: take replace or fail' "${two[@]}" --set source.bad.policy=skip --out refused
absent refused

# What all ranks say is shown once: an error as one process tells it, a line of the system's as rank 0 says it, beside the supervisor's own.
expect 5 '^mgca: .*none.pack: cannot open' "${two[@]}" --pack none.pack --out refused
said_in_lines 1
expect 0 'all 1 epochs are done' env LD_PRELOAD=/nowhere.so "${two[@]}" --set fit.epochs=1 --out noted
[ "$(grep -c '^ERROR: ld.so: ' err)" = 2 ] || failed "expected a line of the supervisor and one of rank 0"
said_in_lines 2

for ((kill = 1; kill <= ${MGCA_KILLS:-0}; ++kill)); do
  rank=$((RANDOM % 2)) signal=KILL
  [ $((RANDOM % 4)) != 0 ] || signal=STOP
  rm -rf random
  begin "${two[@]}" --max-restarts 1 --out random
  until_there $run 'random/config.json'
  sleep 0.$((RANDOM % 10))$((RANDOM % 10))
  victim=$(process_of $run $rank) other=$(process_of $run $((1 - rank)))
  kill -$signal "$victim"
  since=$(now)
  gone_in_time "$other" "$since"
  echo "  kill $kill: SIG$signal of rank $rank with $(compgen -G 'random/checkpoints/step-*' | tail -n 1): the other ended after $(($(now) - since)) ms"
  ends 0 'all 20 epochs are done'
  no_temporaries random
  same_runs whole random
done

# Four hosts: network namespaces with one rank each, joined by a bridge in a fifth. To the first its own name is a loopback address, as Debian writes it
# into /etc/hosts, and before its cable it has another interface, which leads nowhere, as of containers.
space=mgca$$
remove_hosts() {
  local host
  for host in hub 1 2 3 4; do [ ! -e "/run/netns/$space-$host" ] || ip netns del $space-$host; done
}
make_hosts() {
  local host first
  trap remove_hosts EXIT
  ip netns add $space-hub && ip -n $space-hub link add bridge type bridge && ip -n $space-hub link set bridge up || return 1
  for host in 1 2 3 4; do
    ip netns add $space-$host || return 1
    [ $host != 1 ] || { ip -n $space-1 link add nowhere type bridge && ip -n $space-1 addr add 10.0.0.1/24 dev nowhere && ip -n $space-1 link set nowhere up; } || return 1
    [ $host = 1 ] && first=127.0.1.1 || first=10.77.0.1
    printf '127.0.0.1 localhost\n%s first\n' $first >hosts.$host
    ip -n $space-$host link add cable type veth peer name port$host netns $space-hub &&
      ip -n $space-hub link set port$host master bridge up &&
      ip -n $space-$host addr add 10.77.0.$host/24 dev cable &&
      ip -n $space-$host link set cable up && ip -n $space-$host link set lo up || return 1
  done
}
# shellcheck disable=SC2016 # for the inner shell, in the namespace's own view of files
with_hosts='mount --bind "$0" /etc/hosts && exec "$@"'
on_hosts() {
  local rank
  for rank in 0 1 2 3; do
    RANK=$rank WORLD_SIZE=4 LOCAL_RANK=0 MASTER_ADDR=first MASTER_PORT=29500 ip netns exec $space-$((rank + 1)) \
      sh -c "$with_hosts" hosts.$((rank + 1)) "$@" >out.$rank 2>err.$rank &
    hosts[rank]=$!
  done
}
hosts=()
if make_hosts 2>hosts.log; then
  on_hosts "${long[@]}" --set fit.epochs=2 --out hosts
  for rank in 0 1 2 3; do code_of "${hosts[rank]}" 0; done
  grep -q 'all 2 epochs are done' out.0 || failed "four hosts did not train"
  on_hosts "${long[@]}" --set fit.epochs=2000 --out cut
  until_there "${hosts[0]}" 'cut/checkpoints/step-0000000005*'
  ip -n $space-hub link set port3 down
  since=$(now)
  for rank in 0 1 2 3; do gone_in_time "${hosts[rank]}" "$since"; done
  for rank in 0 1 2 3; do code_of "${hosts[rank]}" 5; done
  for rank in 0 1 3; do grep -q "^mgca: rank 2 lost: no sign of life for $timeout s" err.$rank || failed "rank $rank does not know who was cut off: $(cat err.$rank)"; done
  grep -q '^mgca: rank 0 lost: the meeting place it keeps at first:29500 is out of reach' err.2 || failed "rank 2 does not know that it is cut off: $(cat err.2)"
else
  echo "  skipped: four hosts on a cut network; this machine makes no network namespaces for us ($(tail -n 1 hosts.log))"
fi

no_canaries
echo "  after a loss the others ended within $slowest ms"
echo "ok: $cases cases"
