# shellcheck shell=bash
# Runs a watch and a change beside it: watch.sh LINES 'WATCH' 'CHANGES'. Changes begin when the watch has printed something
# (or after 2 s, for those that print nothing first); it is ended when it has printed LINES lines, or after 10 s.
bash -c "exec $2" > watched 2>&1 &
for _ in $(seq 20); do sleep 0.1; [[ -s watched ]] && break; done
sleep 0.3
bash -c "$3" > /dev/null 2>&1
for _ in $(seq 100); do (( $(wc -l < watched) >= $1 )) && break; sleep 0.1; done
sleep 0.3
kill %1; wait 2>/dev/null
cat watched
